import { performance } from "node:perf_hooks";

/** Time as it is passed in, so that tests can bring their own. */
export interface Clock {
  /** The wall clock; for dating, never for measuring. */
  now(): Date;
  /** Milliseconds on a clock that never goes back. */
  monotonicMs(): number;
}

export const systemClock: Clock = { now: () => new Date(), monotonicMs: () => performance.now() };
