// Generated from fleetwire/command/v1/command.proto by proto/generate.mjs. Do not edit.

import type { CommandStatusInput as _fleetwire_command_v1_CommandStatusInput, CommandStatus as _fleetwire_command_v1_CommandStatus } from '../../../fleetwire/command/v1/CommandStatus.ts';

export interface ListCommandsRequestInput {
  'agentId'?: (string);
  'statuses'?: (_fleetwire_command_v1_CommandStatusInput)[];
  'type'?: (string);
  /**
   * 1 to 500; 0: 50.
   */
  'limit'?: (number);
  'cursor'?: (string);
}

export interface ListCommandsRequest {
  'agentId': (string);
  'statuses': (_fleetwire_command_v1_CommandStatus)[];
  'type': (string);
  /**
   * 1 to 500; 0: 50.
   */
  'limit': (number);
  'cursor': (string);
}
