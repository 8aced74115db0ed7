// Generated from fleetwire/command/v1/rollout.proto by proto/generate.mjs. Do not edit.


/**
 * How many targets are in each state; all but the first and the last together are the targets.
 */
export interface RolloutCountsInput {
  'targets'?: (number);
  /**
   * Not queued yet; of a rollout that has ended: never queued.
   */
  'pending'?: (number);
  'queued'?: (number);
  'assigned'?: (number);
  'completed'?: (number);
  'failed'?: (number);
  'timeout'?: (number);
  'cancelled'?: (number);
  'expired'?: (number);
  /**
   * Of failed and timeout, those that `max_errors` counts.
   */
  'errors'?: (number);
}

/**
 * How many targets are in each state; all but the first and the last together are the targets.
 */
export interface RolloutCounts {
  'targets': (number);
  /**
   * Not queued yet; of a rollout that has ended: never queued.
   */
  'pending': (number);
  'queued': (number);
  'assigned': (number);
  'completed': (number);
  'failed': (number);
  'timeout': (number);
  'cancelled': (number);
  'expired': (number);
  /**
   * Of failed and timeout, those that `max_errors` counts.
   */
  'errors': (number);
}
