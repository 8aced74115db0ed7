// Generated from fleetwire/command/v1/command.proto by proto/generate.mjs. Do not edit.

import type { CommandStatusInput as _fleetwire_command_v1_CommandStatusInput, CommandStatus as _fleetwire_command_v1_CommandStatus } from '../../../fleetwire/command/v1/CommandStatus.ts';

export interface QueueCommandResponseInput {
  'commandId'?: (string);
  'status'?: (_fleetwire_command_v1_CommandStatusInput);
}

export interface QueueCommandResponse {
  'commandId': (string);
  'status': (_fleetwire_command_v1_CommandStatus);
}
