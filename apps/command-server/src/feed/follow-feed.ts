import type { CommandStore, FeedEntry } from "../store/command-store.ts";

export type FeedEvent =
  | { kind: "entry"; entry: FeedEntry }
  /** Entries that were removed before they were read. */
  | { kind: "lost"; count: number };

const pageSize = 200;
/** Without a hint the feed is read again after this long. */
const doubtMs = 5_000;

/**
 * The company's feed from `cursor` on, then as it grows, until the signal aborts. Nothing is held for a slow reader:
 * the next page is read when he asks for it.
 */
export async function* followFeed(
  store: CommandStore,
  options: { companyId: string; cursor: string; signal: AbortSignal },
): AsyncGenerator<FeedEvent> {
  const { companyId, signal } = options;
  let grown = Promise.withResolvers<void>();
  const wake = () => grown.resolve();
  const unsubscribe = store.onFeed(wake);
  signal.addEventListener("abort", wake);
  try {
    let cursor = options.cursor;
    while (!signal.aborted) {
      grown = Promise.withResolvers<void>();
      const page = await store.readFeed(cursor, pageSize, companyId);
      if (page.lost > 0) yield { kind: "lost", count: page.lost };
      for (const entry of page.entries) yield { kind: "entry", entry };
      const isEnd = page.entries.length === 0 && page.cursor === cursor;
      cursor = page.cursor;
      if (!isEnd || signal.aborted) continue;
      const doubt = setTimeout(wake, doubtMs).unref();
      await grown.promise;
      clearTimeout(doubt);
    }
  } finally {
    unsubscribe();
    signal.removeEventListener("abort", wake);
  }
}
