// Generated from fleetwire/command/v1/rollout.proto by proto/generate.mjs. Do not edit.

export const RolloutStatus = {
  ROLLOUT_STATUS_UNSPECIFIED: 'ROLLOUT_STATUS_UNSPECIFIED',
  ROLLOUT_STATUS_RUNNING: 'ROLLOUT_STATUS_RUNNING',
  /**
   * Every command has ended, well or not.
   */
  ROLLOUT_STATUS_COMPLETED: 'ROLLOUT_STATUS_COMPLETED',
  /**
   * More errors than `max_errors`. What its agents run goes on, as with the next.
   */
  ROLLOUT_STATUS_HALTED: 'ROLLOUT_STATUS_HALTED',
  ROLLOUT_STATUS_STOPPED: 'ROLLOUT_STATUS_STOPPED',
} as const;

export type RolloutStatusInput =
  | 'ROLLOUT_STATUS_UNSPECIFIED'
  | 0
  | 'ROLLOUT_STATUS_RUNNING'
  | 1
  /**
   * Every command has ended, well or not.
   */
  | 'ROLLOUT_STATUS_COMPLETED'
  | 2
  /**
   * More errors than `max_errors`. What its agents run goes on, as with the next.
   */
  | 'ROLLOUT_STATUS_HALTED'
  | 3
  | 'ROLLOUT_STATUS_STOPPED'
  | 4

export type RolloutStatus = typeof RolloutStatus[keyof typeof RolloutStatus]
