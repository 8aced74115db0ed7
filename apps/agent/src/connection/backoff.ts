/** Waiting times between tries, in milliseconds. */
export interface Backoff {
  next(): number;
  reset(): void;
}

/**
 * Full jitter: the n-th wait is uniform in [0, min(capMs, baseMs · 2^n]], so that a herd of agents spreads out
 * (Brooker, "Exponential Backoff And Jitter", AWS 2015).
 */
export function createBackoff(options: { baseMs: number; capMs: number; random?: () => number }): Backoff {
  const { baseMs, capMs, random = Math.random } = options;
  let tries = 0;
  return {
    next() {
      const ceiling = Math.min(capMs, baseMs * 2 ** Math.min(tries, 30));
      tries += 1;
      return Math.round(random() * ceiling);
    },
    reset() {
      tries = 0;
    },
  };
}
