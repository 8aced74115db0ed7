// Generated from fleetwire/command/v1/command.proto by proto/generate.mjs. Do not edit.

import type { CommandInput as _fleetwire_command_v1_CommandInput, Command as _fleetwire_command_v1_Command } from '../../../fleetwire/command/v1/Command.ts';

export interface ListCommandsResponseInput {
  /**
   * Newest first; without `result.output`.
   */
  'commands'?: (_fleetwire_command_v1_CommandInput)[];
  /**
   * Empty on the last page.
   */
  'nextCursor'?: (string);
}

export interface ListCommandsResponse {
  /**
   * Newest first; without `result.output`.
   */
  'commands': (_fleetwire_command_v1_Command)[];
  /**
   * Empty on the last page.
   */
  'nextCursor': (string);
}
