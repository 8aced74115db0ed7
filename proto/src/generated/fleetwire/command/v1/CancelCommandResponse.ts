// Generated from fleetwire/command/v1/command.proto by proto/generate.mjs. Do not edit.

import type { CommandInput as _fleetwire_command_v1_CommandInput, Command as _fleetwire_command_v1_Command } from '../../../fleetwire/command/v1/Command.ts';

export interface CancelCommandResponseInput {
  'command'?: (_fleetwire_command_v1_CommandInput | null);
}

export interface CancelCommandResponse {
  'command': (_fleetwire_command_v1_Command | null);
}
