import type { Clock } from "@fleetwire/service";
import { TokenBucket } from "./token-bucket.ts";

/** Slows down whoever fails often, by a key such as an address. */
export interface FailureLimit {
  blocked(key: string): boolean;
  failed(key: string): void;
}

/** `burst` failures at once, `perSecond` on average. Remembers at most `maxKeys`, forgetting the oldest. */
export function createFailureLimit(o: {
  burst: number;
  perSecond: number;
  maxKeys: number;
  clock: Clock;
}): FailureLimit {
  const buckets = new Map<string, TokenBucket>();

  function blocked(key: string): boolean {
    return buckets.get(key)?.has(o.clock.monotonicMs()) === false;
  }

  function failed(key: string): void {
    const nowMs = o.clock.monotonicMs();
    const bucket = buckets.get(key) ?? new TokenBucket({ perSecond: o.perSecond, burst: o.burst, nowMs });
    // Set anew: the map's order is the order of the last failure.
    buckets.delete(key);
    buckets.set(key, bucket);
    bucket.take(nowMs);
    const [oldest] = buckets.keys();
    if (buckets.size > o.maxKeys && oldest !== undefined) buckets.delete(oldest);
  }

  return { blocked, failed };
}
