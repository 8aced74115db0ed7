import type { Clock } from "../clock.ts";
import type { RateLimit } from "../queue-definition.ts";

/** Starts within a sliding window: never more than `max` in any `per`. */
export interface RateLimiter {
  /** 0 when one may start now (and it counts), else milliseconds until it is worth asking again. */
  take(): number;
}

/** Keeps the times of the last `max` starts. */
export function createRateLimiter({ max, perMs }: RateLimit, clock: Clock): RateLimiter {
  const starts: number[] = [];
  let oldest = 0;
  return {
    take: () => {
      const now = clock.monotonicMs();
      if (starts.length < max) {
        starts.push(now);
        return 0;
      }
      const freeAt = (starts[oldest] ?? 0) + perMs;
      if (freeAt > now) return Math.ceil(freeAt - now);
      starts[oldest] = now;
      oldest = (oldest + 1) % max;
      return 0;
    },
  };
}
