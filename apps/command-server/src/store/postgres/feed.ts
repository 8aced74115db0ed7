import { setTimeout as sleep } from "node:timers/promises";
import type { JsonObject } from "../../commands/command.ts";
import type { FeedEntry, FeedKind } from "../command-store.ts";
import { decodePosition, encodePosition } from "./feed-cursor.ts";
import type { Sql } from "./sql.ts";

/**
 * The feed in commit order. An entry carries the id of the transaction that wrote it and is read only when every older
 * transaction has ended: then nothing can come before it any more, and a cursor never passes over an entry that
 * commits late.
 *
 * In:  $1, $2 the position read up to (null: from the oldest), $3 limit, $4 company or null.
 * Out: at least one row: the horizon, the newest number below it and the trimmed part, and an entry where there is one.
 */
const read = `
WITH horizon AS MATERIALIZED (
  SELECT pg_snapshot_xmin(pg_current_snapshot())::text::bigint AS edge, f.xid AS floor_xid, f.seq AS floor_seq
  FROM feed_floor f WHERE f.id = 1
)
SELECT h.edge, h.floor_xid, h.floor_seq, (
  SELECT f.seq FROM feed f WHERE f.xid >= h.floor_xid AND f.xid < h.edge ORDER BY f.xid DESC, f.seq DESC LIMIT 1
) AS newest, e.* FROM horizon h LEFT JOIN LATERAL (
  SELECT xid, seq, at, kind, company_id, agent_id, command_id, revision, data FROM feed
  WHERE (xid, seq) > ($1::bigint, $2::bigint) AND xid >= h.floor_xid AND xid < h.edge AND ($4::text IS NULL OR company_id = $4)
  ORDER BY xid, seq LIMIT $3
) e ON true ORDER BY e.xid, e.seq`;

const end = `
SELECT pg_snapshot_xmin(pg_current_snapshot())::text::bigint AS oldest,
  pg_snapshot_xmax(pg_current_snapshot())::text::bigint AS next,
  (SELECT CASE WHEN is_called THEN last_value ELSE 0 END FROM feed_seq_seq) AS number`;

interface ReadRow {
  edge: number;
  newest: number | null;
  floor_xid: number;
  floor_seq: number;
  xid: number | null;
  seq: number;
  at: Date;
  kind: FeedKind;
  company_id: string;
  agent_id: string;
  command_id: string | null;
  revision: number | null;
  data: JsonObject;
}

interface EndRow {
  oldest: number;
  next: number;
  number: number;
}

/**
 * Entries after `cursor`, oldest first. `lost` counts, by the feed's numbers, what was trimmed before it was read; numbers
 * that a rolled-back change took count too. A reader of the last page has read up to the horizon: one for whose company
 * nothing comes neither reads the others' entries again nor falls behind. Throws `invalid_cursor`.
 */
export async function readFeed(sql: Sql, cursor: string | null, limit: number, companyId?: string) {
  const from = cursor === null ? null : decodePosition(cursor);
  const rows = await sql.rows<ReadRow>({
    name: "feed-read",
    text: read,
    values: [from?.xid ?? 0, from?.seq ?? 0, limit, companyId ?? null],
  });
  const [head] = rows;
  if (head === undefined) throw new Error("the feed has no floor");
  const behind = from !== null && isBefore(from, { xid: head.floor_xid, seq: head.floor_seq });
  const floor = Math.max(from?.number ?? 0, head.floor_seq);
  const entries: FeedEntry[] = [];
  let position = from ?? { xid: 0, seq: 0, number: floor };
  for (const row of rows) {
    if (row.xid === null) continue;
    position = { xid: row.xid, seq: row.seq, number: Math.max(position.number, floor, row.seq) };
    entries.push(toEntry(row, encodePosition(position)));
  }
  if (entries.length < limit && head.edge > position.xid) {
    position = { xid: head.edge, seq: 0, number: Math.max(position.number, head.newest ?? 0) };
  }
  return {
    entries,
    cursor: encodePosition({ ...position, number: Math.max(position.number, behind ? floor : 0) }),
    lost: behind ? Math.max(0, head.floor_seq - from.number) : 0,
  };
}

const settleMs = 1_000;
const settleStepMs = 2;

/**
 * The position after everything written so far: waits, at most a second, for the transactions that are open now. Behind a
 * longer one, entries written before may be read again.
 */
export async function feedEnd(sql: Sql): Promise<string> {
  const deadline = performance.now() + settleMs;
  let target: number | null = null;
  for (;;) {
    const [row] = await sql.rows<EndRow>({ name: "feed-end", text: end });
    if (row === undefined) throw new Error("the feed has no end");
    target ??= row.next;
    const settled = row.oldest >= target;
    if (settled || performance.now() > deadline) {
      return encodePosition({ xid: Math.min(row.oldest, target), seq: 0, number: row.number });
    }
    await sleep(settleStepMs);
  }
}

function isBefore(a: { xid: number; seq: number }, b: { xid: number; seq: number }): boolean {
  return a.xid < b.xid || (a.xid === b.xid && a.seq < b.seq);
}

function toEntry(row: ReadRow, cursor: string): FeedEntry {
  return {
    cursor,
    at: row.at,
    kind: row.kind,
    companyId: row.company_id,
    agentId: row.agent_id,
    commandId: row.command_id,
    revision: row.revision,
    data: row.data,
  };
}
