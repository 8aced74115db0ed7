// Generated from fleetwire/agent/v1/agent.proto by proto/generate.mjs. Do not edit.

export const Outcome = {
  OUTCOME_UNSPECIFIED: 'OUTCOME_UNSPECIFIED',
  /**
   * It ran to its end; the exit code decides between completed and failed.
   */
  OUTCOME_EXITED: 'OUTCOME_EXITED',
  /**
   * It couldn't be run, or was interrupted by a crash of the agent; `error` says which.
   */
  OUTCOME_FAILED: 'OUTCOME_FAILED',
  /**
   * Ended by the agent when its time was over.
   */
  OUTCOME_TIMEOUT: 'OUTCOME_TIMEOUT',
  /**
   * Ended by the agent because of Cancel.
   */
  OUTCOME_CANCELLED: 'OUTCOME_CANCELLED',
} as const;

export type OutcomeInput =
  | 'OUTCOME_UNSPECIFIED'
  | 0
  /**
   * It ran to its end; the exit code decides between completed and failed.
   */
  | 'OUTCOME_EXITED'
  | 1
  /**
   * It couldn't be run, or was interrupted by a crash of the agent; `error` says which.
   */
  | 'OUTCOME_FAILED'
  | 2
  /**
   * Ended by the agent when its time was over.
   */
  | 'OUTCOME_TIMEOUT'
  | 3
  /**
   * Ended by the agent because of Cancel.
   */
  | 'OUTCOME_CANCELLED'
  | 4

export type Outcome = typeof Outcome[keyof typeof Outcome]
