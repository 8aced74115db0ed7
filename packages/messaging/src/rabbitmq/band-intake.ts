import type { Clock } from "../clock.ts";
import { createFifo, type Intake } from "../consumer/incoming.ts";

/** One start in so many goes to a lower band that waits, so that none starves. */
const lowerTurn = 8;

/**
 * A band that has just given a delivery is waited for before a lower one starts: the broker needs a moment to push the
 * next, and a quick handler would have taken a lower one meanwhile. Three times what it usually takes, within these.
 */
const shortestRefillMs = 5;
const longestRefillMs = 50;

export interface BandIntake<T> extends Intake<T> {
  /** A delivery of the band was settled: the next one may be on its way. */
  readonly settled: (band: number) => void;
}

/**
 * The most urgent band first; every eighth start the next lower ones in turn. `bandOf` gives 0 for the most urgent;
 * `wake` is called when a wait for a refill is over.
 */
export function createBandIntake<T>(options: {
  count: number;
  bandOf: (delivery: T) => number;
  clock: Clock;
  wake: () => void;
}): BandIntake<T> {
  const { count, bandOf, clock, wake } = options;
  const waiting = Array.from({ length: count }, () => createFifo<T>());
  /** When each band last gave a delivery; 0: the next one has come. */
  const settledAt = Array.from({ length: count }, () => 0);
  /** How long the broker takes to push the next, on average. */
  let usualMs = shortestRefillMs;
  let starts = 0;
  let turn = 0;
  let timer: NodeJS.Timeout | undefined;

  /** A lower band than the highest that waits, each in its turn. */
  function lower(highest: number): Intake<T> | undefined {
    for (let step = 1; step <= count; step++) {
      const band = (turn + step) % count;
      const found = waiting[band];
      if (band > highest && found !== undefined && found.size > 0) {
        turn = band;
        return found;
      }
    }
    return undefined;
  }

  function isRefilling(highest: number): boolean {
    const since = clock.monotonicMs() - Math.min(longestRefillMs, Math.max(shortestRefillMs, 3 * usualMs));
    if (!settledAt.some((at, band) => band < highest && at > since)) return false;
    timer ??= setTimeout(() => {
      timer = undefined;
      wake();
    }, shortestRefillMs);
    return true;
  }

  return {
    get size() {
      return waiting.reduce((sum, { size }) => sum + size, 0);
    },
    add: (delivery) => {
      const band = bandOf(delivery);
      const tookMs = clock.monotonicMs() - (settledAt[band] ?? 0);
      if (tookMs < 2 * longestRefillMs) usualMs += (tookMs - usualMs) / 8;
      settledAt[band] = 0;
      waiting[band]?.add(delivery);
    },
    next: () => {
      const highest = waiting.findIndex(({ size }) => size > 0);
      if (highest === -1) return undefined;
      const isLowersTurn = (starts + 1) % lowerTurn === 0;
      if (!isLowersTurn && isRefilling(highest)) return undefined;
      starts += 1;
      const chosen = isLowersTurn ? (lower(highest) ?? waiting[highest]) : waiting[highest];
      return chosen?.next();
    },
    takeAll: () => waiting.flatMap((band) => band.takeAll()),
    settled: (band) => void (settledAt[band] = clock.monotonicMs()),
  };
}
