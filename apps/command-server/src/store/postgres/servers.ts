import type { StoreContext } from "./context.ts";
import { endedColumns, endSession, sessionEnds } from "./session-log.ts";

const alive = `
INSERT INTO servers (server_id, seen_at) VALUES ($1, clock_timestamp())
ON CONFLICT (server_id) DO UPDATE SET seen_at = excluded.seen_at`;

const sessionsPerRound = 500;

/** Ends sessions of servers $1 as `server_lost`; other servers may be doing the same. */
const closeSessions = `
WITH orphan AS MATERIALIZED (
  SELECT agent_id FROM agent_sessions WHERE connected AND server_id = ANY($1::text[])
  LIMIT ${sessionsPerRound} FOR NO KEY UPDATE SKIP LOCKED
), ended AS (
  UPDATE agent_sessions s SET ${endSession("'server_lost'", "NULL")}
  WHERE s.agent_id = ANY(ARRAY(SELECT agent_id FROM orphan))
  RETURNING ${endedColumns}
), ${sessionEnds("ended")}
SELECT agent_id FROM ended`;

/** Servers silent for $1 ms. */
const silent = `SELECT server_id FROM servers WHERE seen_at < clock_timestamp() - $1::float8 * interval '1 ms'`;

/** Of the servers $1, those that are still silent and hold nothing. */
const forget = `
DELETE FROM servers v WHERE v.server_id = ANY($1::text[]) AND v.seen_at < clock_timestamp() - $2::float8 * interval '1 ms'
  AND NOT EXISTS (SELECT FROM agent_sessions s WHERE s.server_id = v.server_id AND s.connected)`;

/** A process that starts holds nothing: what is open under its id is from a former life. */
export async function beginServer(context: StoreContext): Promise<void> {
  const { sql, serverId } = context;
  await sql.rows({ text: alive, values: [serverId] });
  await endSessionsOf(context, [serverId]);
}

/** Says that this server lives, and ends the sessions of those that don't. Repeatable. */
export async function serverHeartbeat(context: StoreContext): Promise<void> {
  const { sql, serverId, settings, log } = context;
  await sql.rows({ name: "server-alive", text: alive, values: [serverId] });
  const rows = await sql.rows<{ server_id: string }>({
    name: "servers-silent",
    text: silent,
    values: [settings.holderTimeoutMs],
  });
  const lost = rows.map(({ server_id }) => server_id).filter((id) => id !== serverId);
  if (lost.length === 0) return;
  const closed = await endSessionsOf(context, lost);
  if (closed > 0) log.warn({ servers: lost, sessions: closed }, "closed the sessions of lost servers");
  await sql.rows({ name: "servers-forget", text: forget, values: [lost, settings.holderTimeoutMs] });
}

async function endSessionsOf({ sql, hub }: StoreContext, servers: readonly string[]): Promise<number> {
  let closed = 0;
  for (;;) {
    const rows = await sql.rows({ name: "sessions-lost", text: closeSessions, values: [servers] });
    closed += rows.length;
    if (rows.length > 0) hub.feedGrew();
    if (rows.length < sessionsPerRound) return closed;
  }
}

export async function storeTime(sql: StoreContext["sql"]): Promise<Date> {
  const [row] = await sql.rows<{ time: Date }>({ name: "time", text: "SELECT clock_timestamp() AS time" });
  if (row === undefined) throw new Error("SELECT gave no row");
  return row.time;
}
