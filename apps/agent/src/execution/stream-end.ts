import type { Readable } from "node:stream";
import { setTimeout as sleep } from "node:timers/promises";

export interface StreamsWatch {
  /** Call after the process has exited. True when the streams ended by themselves; false when someone holds them. */
  settled(): Promise<boolean>;
  /** Reads what is still there, then gives the streams up. */
  cut(): Promise<void>;
  pause(): void;
  resume(): void;
}

// After the exit of their process, streams may be quiet for this long,
const quietMs = 500;
// and flow on from descendants for this long;
const flowingMs = 5_000;
// time in which they are held back doesn't count, up to this.
const pausedMs = 60_000;
const tickMs = 50;

/** Follows the output streams of a process to their end. */
export function watchStreams(streams: readonly Readable[]): StreamsWatch {
  let open = streams.length;
  let paused = false;
  let quiet = 0;
  const allClosed = Promise.withResolvers<void>();
  for (const stream of streams) {
    stream.on("data", () => {
      quiet = 0;
    });
    // A read error ends the stream; there is nothing more to be had from it.
    stream.on("error", () => {});
    stream.once("close", () => {
      open -= 1;
      if (open === 0) allClosed.resolve();
    });
  }

  const isOpen = (): boolean => open > 0;

  async function settled(): Promise<boolean> {
    quiet = 0;
    for (let flowing = 0, held = 0; isOpen();) {
      if (quiet >= quietMs || flowing >= flowingMs || held >= pausedMs) return false;
      await closedWithin(tickMs);
      if (paused) {
        held += tickMs;
      } else {
        quiet += tickMs;
        flowing += tickMs;
      }
    }
    return true;
  }

  async function closedWithin(ms: number): Promise<void> {
    const over = new AbortController();
    const timer = sleep(ms, undefined, { signal: over.signal }).catch(() => {});
    await Promise.race([timer, allClosed.promise]);
    over.abort();
  }

  return {
    settled,
    async cut() {
      for (let waited = 0; isOpen() && waited < quietMs; waited += tickMs) await closedWithin(tickMs);
      for (const stream of streams) stream.destroy();
    },
    pause() {
      paused = true;
      for (const stream of streams) stream.pause();
    },
    resume() {
      paused = false;
      for (const stream of streams) stream.resume();
    },
  };
}
