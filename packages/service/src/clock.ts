import { performance } from "node:perf_hooks";

/** Time as it is passed to whatever needs it, so that tests can bring their own. */
export interface Clock {
  /** The wall clock; only for showing and for dating, never for measuring. */
  now(): Date;
  /** Milliseconds on a clock that never goes back; only differences mean something. */
  monotonicMs(): number;
}

export const systemClock: Clock = {
  now: () => new Date(),
  monotonicMs: () => performance.now(),
};
