// Generated from fleetwire/command/v1/rollout.proto by proto/generate.mjs. Do not edit.

import type { StartedRolloutInput as _fleetwire_command_v1_StartedRolloutInput, StartedRollout as _fleetwire_command_v1_StartedRollout } from '../../../fleetwire/command/v1/StartedRollout.ts';

export interface RetryRolloutResponseInput {
  'started'?: (_fleetwire_command_v1_StartedRolloutInput | null);
}

export interface RetryRolloutResponse {
  'started': (_fleetwire_command_v1_StartedRollout | null);
}
