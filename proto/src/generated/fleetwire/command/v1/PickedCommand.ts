// Generated from fleetwire/command/v1/rollout.proto by proto/generate.mjs. Do not edit.

import type { CommandStatusInput as _fleetwire_command_v1_CommandStatusInput, CommandStatus as _fleetwire_command_v1_CommandStatus } from '../../../fleetwire/command/v1/CommandStatus.ts';

export interface PickedCommandInput {
  'commandId'?: (string);
  'status'?: (_fleetwire_command_v1_CommandStatusInput);
  'agentId'?: (string);
}

export interface PickedCommand {
  'commandId': (string);
  'status': (_fleetwire_command_v1_CommandStatus);
  'agentId': (string);
}
