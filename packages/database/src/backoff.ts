const firstMs = 50;
const longestMs = 5_000;

/**
 * How long to wait before try `attempt + 1`, in milliseconds: exponential, at most 5 s, with full jitter
 * (https://aws.amazon.com/blogs/architecture/exponential-backoff-and-jitter/), so that clients of a server that was
 * away don't come back at once.
 * @param attempt 1 after the first failure
 */
export function backoffMs(attempt: number, random: () => number = Math.random): number {
  return random() * Math.min(longestMs, firstMs * 2 ** Math.min(attempt, 20));
}
