// Generated from fleetwire/command/v1/rollout.proto by proto/generate.mjs. Do not edit.


export interface RetryRolloutRequestInput {
  'rolloutId'?: (string);
  /**
   * The same key again starts nothing new.
   */
  'idempotencyKey'?: (string);
}

export interface RetryRolloutRequest {
  'rolloutId': (string);
  /**
   * The same key again starts nothing new.
   */
  'idempotencyKey': (string);
}
