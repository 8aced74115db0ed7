/** When a failed delivery is tried again. Durations are milliseconds. */
export interface RetryPolicy {
  /** Runs = 1 + maxRetries. */
  readonly maxRetries: number;
  readonly initialMs: number;
  readonly factor: number;
  readonly maxMs: number;
}

/** 3 retries; 1 s, doubled each time, at most 30 s. */
export const defaultRetryPolicy: RetryPolicy = { maxRetries: 3, initialMs: 1_000, factor: 2, maxMs: 30_000 };

/** The longest wait before the attempt after `attempt` (1 is the first). */
export function backoffCeilingMs(policy: RetryPolicy, attempt: number): number {
  // The exponent is bounded since Infinity × 0 is no number.
  return Math.floor(Math.min(policy.maxMs, policy.initialMs * policy.factor ** Math.min(attempt - 1, 1_000)));
}

/**
 * How long to wait before the attempt after `attempt`: exponential backoff with full jitter, whole milliseconds between
 * 0 and the ceiling. Full jitter spreads a herd best for the least work (Brooker, "Exponential Backoff And Jitter",
 * AWS Architecture Blog, 2015). `random` is in [0, 1).
 */
export function backoffMs(policy: RetryPolicy, attempt: number, random: () => number = Math.random): number {
  return Math.floor(random() * (backoffCeilingMs(policy, attempt) + 1));
}
