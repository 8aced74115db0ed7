// Generated from fleetwire/command/v1/rollout.proto by proto/generate.mjs. Do not edit.

import type { RolloutStatusInput as _fleetwire_command_v1_RolloutStatusInput, RolloutStatus as _fleetwire_command_v1_RolloutStatus } from '../../../fleetwire/command/v1/RolloutStatus.ts';
import type { RolloutCountsInput as _fleetwire_command_v1_RolloutCountsInput, RolloutCounts as _fleetwire_command_v1_RolloutCounts } from '../../../fleetwire/command/v1/RolloutCounts.ts';
import type { TimestampInput as _google_protobuf_TimestampInput, Timestamp as _google_protobuf_Timestamp } from '../../../google/protobuf/Timestamp.ts';

export interface WatchRolloutResponseInput {
  'status'?: (_fleetwire_command_v1_RolloutStatusInput);
  'counts'?: (_fleetwire_command_v1_RolloutCountsInput | null);
  'finishedAt'?: (_google_protobuf_TimestampInput | null);
  /**
   * It is over and none of its commands is queued or running any more: nothing will change.
   */
  'settled'?: (boolean);
}

export interface WatchRolloutResponse {
  'status': (_fleetwire_command_v1_RolloutStatus);
  'counts': (_fleetwire_command_v1_RolloutCounts | null);
  'finishedAt': (_google_protobuf_Timestamp | null);
  /**
   * It is over and none of its commands is queued or running any more: nothing will change.
   */
  'settled': (boolean);
}
