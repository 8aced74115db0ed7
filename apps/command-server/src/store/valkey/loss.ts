import type { Clock, Logger } from "@fleetwire/service";
import type { WatchEvent } from "../command-store.ts";
import { parseState } from "./record.ts";
import type { Valkey } from "./valkey.ts";

/** A place in the feed: its stream id, and how many entries there are up to it. */
export interface FeedMark {
  id: string;
  number: number;
}

export interface LossWatch {
  /** The newest entry that was seen. The next look says whether it is still there. */
  readonly seen: FeedMark | null;
  /** What a look found: the newest entry now, and how many up to the one that was seen are gone though nobody removed them. */
  saw(look: { newest: FeedMark | null; gone: number }): void;
  /** Changes that the server has just confirmed. */
  confirmed(events: readonly WatchEvent[]): void;
  /** After a new connection, which may be to another server: are the last changes that were confirmed still there? */
  verify(valkey: Valkey): Promise<void>;
}

/** Of the last moments: replication lags by less. */
const rememberedChanges = 2_000;
const rememberedMs = 60_000;
const changesPerLook = 200;

/**
 * Notices that the store has gone back: that changes which had been acknowledged are gone, after a failover or a crash within
 * the server's `appendfsync` window. Twice: by the last changes that this process made, looked for after each reconnection, and by an
 * entry of the feed that was seen and isn't there any more, whatever has been written since.
 */
export function createLossWatch(o: { log: Logger; clock: Clock; lost(count: number): void }): LossWatch {
  let seen: FeedMark | null = null;
  const changes = new Map<string, { revision: number; atMs: number }>();

  function tell(count: number): void {
    o.lost(count);
    o.log.error(
      { code: "changes_lost", atLeast: count },
      "Valkey has lost changes that it had acknowledged; agents' sessions are settled anew",
    );
  }

  async function verify(valkey: Valkey): Promise<void> {
    const since = o.clock.monotonicMs() - rememberedMs;
    const known = [...changes].filter(([, { atMs }]) => atMs >= since);
    changes.clear();
    let gone = 0;
    for (let from = 0; from < known.length; from += changesPerLook) {
      const slice = known.slice(from, from + changesPerLook);
      const texts = await valkey.command<(string | null)[]>("MGET", ...slice.map(([id]) => valkey.keys.state(id)));
      for (const [n, [, { revision }]] of slice.entries()) {
        const state = parseState(texts[n] ?? null);
        if (state === null || state.revision < revision) gone += 1;
      }
    }
    if (gone > 0) tell(gone);
  }

  return {
    get seen() {
      return seen;
    },
    saw({ newest, gone }) {
      seen = newest;
      if (gone > 0) tell(gone);
    },
    confirmed(events) {
      const atMs = o.clock.monotonicMs();
      for (const event of events) {
        if (event.kind !== "state") continue;
        changes.delete(event.commandId);
        changes.set(event.commandId, { revision: event.revision, atMs });
      }
      for (const id of changes.keys()) {
        if (changes.size <= rememberedChanges) break;
        changes.delete(id);
      }
    },
    verify,
  };
}
