// Generated from fleetwire/command/v1/rollout.proto by proto/generate.mjs. Do not edit.

import type { RolloutStatusInput as _fleetwire_command_v1_RolloutStatusInput, RolloutStatus as _fleetwire_command_v1_RolloutStatus } from '../../../fleetwire/command/v1/RolloutStatus.ts';

export interface ListRolloutsRequestInput {
  'statuses'?: (_fleetwire_command_v1_RolloutStatusInput)[];
  /**
   * 1 to 500; 0: 50. A page holds fewer where it would be too large for a message.
   */
  'limit'?: (number);
  'cursor'?: (string);
}

export interface ListRolloutsRequest {
  'statuses': (_fleetwire_command_v1_RolloutStatus)[];
  /**
   * 1 to 500; 0: 50. A page holds fewer where it would be too large for a message.
   */
  'limit': (number);
  'cursor': (string);
}
