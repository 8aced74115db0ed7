import type { Logger } from "@fleetwire/service";

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
}

/**
 * Notices that the store has gone back: an entry of the feed that was seen isn't there any more, so that changes which had been
 * acknowledged are gone, after a failover or a crash within the server's `appendfsync` window. What has been written since doesn't hide it.
 */
export function createLossWatch(o: { log: Logger; lost(count: number): void }): LossWatch {
  let seen: FeedMark | null = null;
  return {
    get seen() {
      return seen;
    },
    saw({ newest, gone }) {
      seen = newest;
      if (gone <= 0) return;
      o.lost(gone);
      o.log.error({ code: "changes_lost", atLeast: gone }, "Valkey has lost changes that it had acknowledged");
    },
  };
}
