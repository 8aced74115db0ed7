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
  // 0 × Infinity is no number.
  if (policy.initialMs === 0) return 0;
  return Math.floor(Math.min(policy.maxMs, policy.initialMs * policy.factor ** (attempt - 1)));
}

/**
 * How long to wait before the attempt after `attempt`: exponential backoff with full jitter, whole milliseconds between
 * 0 and the ceiling. Full jitter spreads a herd best for the least work (Brooker, "Exponential Backoff And Jitter",
 * AWS Architecture Blog, 2015). `random` is in [0, 1).
 */
export function backoffMs(policy: RetryPolicy, attempt: number, random: () => number = Math.random): number {
  return Math.floor(random() * (backoffCeilingMs(policy, attempt) + 1));
}
