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
  let { cursor } = query;
  for (let looks = 0; looks < looksPerPage;) {
    const limit = text === undefined ? Math.min(readAtOnce, query.limit - items.length) : readAtOnce;
    const page = await store.rolloutResults({ ...query, limit, cursor });
    for (const result of page.items) {
      looks += 1;
      if (text !== undefined && !shows(result, text)) continue;
      items.push(result);
      bytes += result.output.length;
      const isLast = result === page.items.at(-1) && page.nextCursor === null;
      if (items.length === query.limit || bytes >= pageBytes)
        return { items, nextCursor: isLast ? null : result.cursor };
    }
    cursor = page.nextCursor;
    if (cursor === null) break;
  }
  return { items, nextCursor: cursor };
}

function shows({ command, output }: RolloutResult, text: string): boolean {
  return isTerminal(command.status) && output.toString("utf8").includes(text);
}
