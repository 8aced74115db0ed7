// Generated from fleetwire/command/v1/command.proto by proto/generate.mjs. Do not edit.


/**
 * When to run a command again after it had started.
 */
export interface RetryInput {
  /**
   * All runs together, 2 to 10.
   */
  'maxAttempts'?: (number);
  /**
   * "interrupted", "ledger_lost", "timeout", "exit_code"; empty: the first two.
   */
  'on'?: (string)[];
}

/**
 * When to run a command again after it had started.
 */
export interface Retry {
  /**
   * All runs together, 2 to 10.
   */
  'maxAttempts': (number);
  /**
   * "interrupted", "ledger_lost", "timeout", "exit_code"; empty: the first two.
   */
  'on': (string)[];
}
