import type { Clock } from "@fleetwire/service";
import type { CommandStore } from "./command-store.ts";

/** What time it is by the store's clock. Rejects with StoreUnavailable where it isn't known and can't be asked. */
export type StoreTime = () => Promise<Date>;

const trustedMs = 30_000;

/**
 * The store's clock, asked at most every 30 s and carried on by the monotonic clock in between: an instant that a caller names
 * is judged alike by every server, whatever its own clock says. It is off by no more than half of the time that the answer took.
 */
export function createStoreTime(store: Pick<CommandStore, "time">, clock: Clock): StoreTime {
  let known = { timeMs: 0, atMs: -Infinity };
  let asking: Promise<void> | null = null;

  async function ask(): Promise<void> {
    const beganMs = clock.monotonicMs();
    const time = await store.time();
    known = { timeMs: time.getTime(), atMs: (beganMs + clock.monotonicMs()) / 2 };
  }

  return async () => {
    if (clock.monotonicMs() - known.atMs > trustedMs) await (asking ??= ask().finally(() => (asking = null)));
    return new Date(known.timeMs + clock.monotonicMs() - known.atMs);
  };
}
