// Generated from fleetwire/command/v1/rollout.proto by proto/generate.mjs. Do not edit.

import type { RolloutInput as _fleetwire_command_v1_RolloutInput, Rollout as _fleetwire_command_v1_Rollout } from '../../../fleetwire/command/v1/Rollout.ts';

export interface StopRolloutResponseInput {
  'rollout'?: (_fleetwire_command_v1_RolloutInput | null);
}

export interface StopRolloutResponse {
  'rollout': (_fleetwire_command_v1_Rollout | null);
}
