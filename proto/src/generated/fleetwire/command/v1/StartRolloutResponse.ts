// Generated from fleetwire/command/v1/rollout.proto by proto/generate.mjs. Do not edit.

import type { StartedRolloutInput as _fleetwire_command_v1_StartedRolloutInput, StartedRollout as _fleetwire_command_v1_StartedRollout } from '../../../fleetwire/command/v1/StartedRollout.ts';
import type { PickedCommandInput as _fleetwire_command_v1_PickedCommandInput, PickedCommand as _fleetwire_command_v1_PickedCommand } from '../../../fleetwire/command/v1/PickedCommand.ts';
import type { DryRunInput as _fleetwire_command_v1_DryRunInput, DryRun as _fleetwire_command_v1_DryRun } from '../../../fleetwire/command/v1/DryRun.ts';

export interface StartRolloutResponseInput {
  'started'?: (_fleetwire_command_v1_StartedRolloutInput | null);
  /**
   * With `pick`.
   */
  'picked'?: (_fleetwire_command_v1_PickedCommandInput | null);
  /**
   * With `dry_run`.
   */
  'dryRun'?: (_fleetwire_command_v1_DryRunInput | null);
  'outcome'?: "started"|"picked"|"dryRun";
}

export interface StartRolloutResponse {
  'started'?: (_fleetwire_command_v1_StartedRollout | null);
  /**
   * With `pick`.
   */
  'picked'?: (_fleetwire_command_v1_PickedCommand | null);
  /**
   * With `dry_run`.
   */
  'dryRun'?: (_fleetwire_command_v1_DryRun | null);
  'outcome'?: "started"|"picked"|"dryRun";
}
