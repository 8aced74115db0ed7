// Generated from fleetwire/command/v1/rollout.proto by proto/generate.mjs. Do not edit.

import type { CommandInput as _fleetwire_command_v1_CommandInput, Command as _fleetwire_command_v1_Command } from '../../../fleetwire/command/v1/Command.ts';

export interface RolloutResultInput {
  /**
   * Without `result.output`.
   */
  'command'?: (_fleetwire_command_v1_CommandInput | null);
  /**
   * The begin of what is kept; empty before its end.
   */
  'output'?: (Buffer | Uint8Array | string);
}

export interface RolloutResult {
  /**
   * Without `result.output`.
   */
  'command': (_fleetwire_command_v1_Command | null);
  /**
   * The begin of what is kept; empty before its end.
   */
  'output': (Buffer);
}
