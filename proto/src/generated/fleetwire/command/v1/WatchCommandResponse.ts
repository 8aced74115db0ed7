// Generated from fleetwire/command/v1/command.proto by proto/generate.mjs. Do not edit.

import type { CommandInput as _fleetwire_command_v1_CommandInput, Command as _fleetwire_command_v1_Command } from '../../../fleetwire/command/v1/Command.ts';
import type { OutputInput as _fleetwire_command_v1_OutputInput, Output as _fleetwire_command_v1_Output } from '../../../fleetwire/command/v1/Output.ts';
import type { GapInput as _fleetwire_command_v1_GapInput, Gap as _fleetwire_command_v1_Gap } from '../../../fleetwire/command/v1/Gap.ts';

export interface WatchCommandResponseInput {
  /**
   * State as of now; the first message, and after each transition. `result.output` only in the last one, if no output was asked for.
   */
  'command'?: (_fleetwire_command_v1_CommandInput | null);
  'output'?: (_fleetwire_command_v1_OutputInput | null);
  'gap'?: (_fleetwire_command_v1_GapInput | null);
  'event'?: "command"|"output"|"gap";
}

export interface WatchCommandResponse {
  /**
   * State as of now; the first message, and after each transition. `result.output` only in the last one, if no output was asked for.
   */
  'command'?: (_fleetwire_command_v1_Command | null);
  'output'?: (_fleetwire_command_v1_Output | null);
  'gap'?: (_fleetwire_command_v1_Gap | null);
  'event'?: "command"|"output"|"gap";
}
