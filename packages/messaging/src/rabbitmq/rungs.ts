import { durationText } from "../duration.ts";
import { systemNames } from "./names.ts";

/** A queue in which messages wait for their retry. */
export interface Rung {
  /** The longest that a message waits in it. */
  readonly ms: number;
  /** Of the exchange and of the queue. */
  readonly name: string;
  readonly maxLength: number;
}

const doublings = [250, 500, 1_000, 2_000, 4_000, 8_000, 16_000, 32_000];
const longestMs = 60_000;

/** Rungs that double from 250 ms to 32 s, and the specified retry queue of 60 s. */
export function rungsOf(prefix: string): Rung[] {
  const { retry } = systemNames(prefix);
  return [
    ...doublings.map((ms) => ({ ms, name: `${retry}.${durationText(ms)}`, maxLength: 100_000 })),
    { ms: longestMs, name: retry, maxLength: 10_000 },
  ];
}

/** Where a delay is spent: this long in this rung, and what is left after that. */
export interface Wait {
  readonly rung: Rung;
  readonly expirationMs: number;
  readonly leftMs: number;
}

/**
 * The smallest rung that holds the delay. All in it wait for more than half its time, and messages expire at a queue's
 * head only: so none waits for more than twice its own delay (or 250 ms in the smallest). More than 60 s is spent in
 * turns of the last one.
 */
export function waitFor(delayMs: number, rungs: readonly Rung[]): Wait {
  const rung = rungs.find(({ ms }) => delayMs <= ms) ?? rungs.at(-1);
  if (rung === undefined) throw new Error("there are no rungs");
  const expirationMs = Math.min(Math.ceil(delayMs), rung.ms);
  return { rung, expirationMs, leftMs: Math.max(0, Math.ceil(delayMs) - expirationMs) };
}
