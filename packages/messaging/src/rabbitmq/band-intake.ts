import { createFifo, type Intake } from "../consumer/incoming.ts";

/** One start in so many goes to a lower band that waits, so that none starves. */
const lowerTurn = 8;

export interface BandIntake<T> extends Intake<T> {
  /** Of each band, what waits. */
  sizeOf(band: number): number;
}

/** The most urgent band first; every eighth start the next lower ones in turn. `bandOf` gives 0 for the most urgent. */
export function createBandIntake<T>(count: number, bandOf: (delivery: T) => number): BandIntake<T> {
  const waiting = Array.from({ length: count }, () => createFifo<T>());
  let starts = 0;
  let turn = 0;

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

  return {
    get size() {
      return waiting.reduce((sum, { size }) => sum + size, 0);
    },
    sizeOf: (band) => waiting[band]?.size ?? 0,
    add: (delivery) => waiting[bandOf(delivery)]?.add(delivery),
    next: () => {
      const highest = waiting.findIndex(({ size }) => size > 0);
      if (highest === -1) return undefined;
      starts += 1;
      const chosen = starts % lowerTurn === 0 ? (lower(highest) ?? waiting[highest]) : waiting[highest];
      return chosen?.next();
    },
  };
}
