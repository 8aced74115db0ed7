// Generated from fleetwire/command/v1/rollout.proto by proto/generate.mjs. Do not edit.

import type { RolloutResultInput as _fleetwire_command_v1_RolloutResultInput, RolloutResult as _fleetwire_command_v1_RolloutResult } from '../../../fleetwire/command/v1/RolloutResult.ts';

export interface ListRolloutResultsResponseInput {
  /**
   * A page may hold fewer than `limit`, or none, and not be the last.
   */
  'results'?: (_fleetwire_command_v1_RolloutResultInput)[];
  /**
   * Empty on the last page.
   */
  'nextCursor'?: (string);
}

export interface ListRolloutResultsResponse {
  /**
   * A page may hold fewer than `limit`, or none, and not be the last.
   */
  'results': (_fleetwire_command_v1_RolloutResult)[];
  /**
   * Empty on the last page.
   */
  'nextCursor': (string);
}
