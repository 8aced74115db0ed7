import { isTerminal } from "../commands/command.ts";
import type { CommandStore, Page, RolloutResult, RolloutResultsQuery } from "../store/command-store.ts";

/** Read at once, so that large outputs don't pile up. */
const readAtOnce = 50;
/** A page ends early beyond this many bytes of output, or results looked at: the cursor goes on from there. */
const pageBytes = 4 * 1024 * 1024;
const looksPerPage = 2_000;

/**
 * A page of results; with `text`, only of ended commands in whose shown output it is. A page may hold fewer than `limit`, or
 * none, and still have a `nextCursor`. Throws `invalid_cursor`.
 */
export async function findResults(
  store: CommandStore,
  { text, ...query }: RolloutResultsQuery & { text?: string },
): Promise<Page<RolloutResult>> {
  const items: RolloutResult[] = [];
  let bytes = 0;
  let looks = 0;
  let { cursor } = query;
  while (items.length < query.limit && bytes < pageBytes && looks < looksPerPage) {
    // Without a text every result counts, so that a page ends where the store's does.
    const limit = Math.min(
      readAtOnce,
      text === undefined ? query.limit - items.length : 1 + query.limit - items.length,
    );
    const page = await store.rolloutResults({ ...query, limit, cursor });
    looks += page.items.length;
    for (const item of page.items) {
      if (text !== undefined && !shows(item, text)) continue;
      items.push(item);
      bytes += item.output.length;
    }
    cursor = page.nextCursor;
    if (cursor === null) break;
  }
  return { items, nextCursor: cursor };
}

function shows({ command, output }: RolloutResult, text: string): boolean {
  return isTerminal(command.status) && output.toString("utf8").includes(text);
}
