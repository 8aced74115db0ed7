// Generated from fleetwire/command/v1/rollout.proto by proto/generate.mjs. Do not edit.

import type { RolloutInput as _fleetwire_command_v1_RolloutInput, Rollout as _fleetwire_command_v1_Rollout } from '../../../fleetwire/command/v1/Rollout.ts';

export interface ListRolloutsResponseInput {
  /**
   * Newest first.
   */
  'rollouts'?: (_fleetwire_command_v1_RolloutInput)[];
  /**
   * Empty on the last page.
   */
  'nextCursor'?: (string);
}

export interface ListRolloutsResponse {
  /**
   * Newest first.
   */
  'rollouts': (_fleetwire_command_v1_Rollout)[];
  /**
   * Empty on the last page.
   */
  'nextCursor': (string);
}
