// Generated from fleetwire/command/v1/rollout.proto by proto/generate.mjs. Do not edit.

import type { RolloutStatusInput as _fleetwire_command_v1_RolloutStatusInput, RolloutStatus as _fleetwire_command_v1_RolloutStatus } from '../../../fleetwire/command/v1/RolloutStatus.ts';

export interface StartedRolloutInput {
  'rolloutId'?: (string);
  'status'?: (_fleetwire_command_v1_RolloutStatusInput);
  'targets'?: (number);
  /**
   * Agents that were selected and can't do it: no targets.
   */
  'unable'?: (number);
}

export interface StartedRollout {
  'rolloutId': (string);
  'status': (_fleetwire_command_v1_RolloutStatus);
  'targets': (number);
  /**
   * Agents that were selected and can't do it: no targets.
   */
  'unable': (number);
}
