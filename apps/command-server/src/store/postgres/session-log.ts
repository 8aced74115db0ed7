import type { DisconnectReason } from "../command-store.ts";
import { keptSessions, type SessionRecord } from "../command-store.ts";
import { connectionEntries } from "./feed-entries.ts";
import type { Sql } from "./sql.ts";

/** What `sessionEnds` needs of an UPDATE of `agent_sessions AS s` that ends sessions. */
export const endedColumns =
  "s.agent_id, s.company_id, s.epoch, s.server_id, s.sessions, s.connected_at, s.disconnected_at, s.disconnect_reason, s.disconnect_detail";

/** A session that ends, in the same UPDATE. @param reason SQL, as `detail` is. */
export function endSession(reason: string, detail: string): string {
  return `connected = false, disconnected_at = clock_timestamp(), disconnect_reason = ${reason}, disconnect_detail = ${detail},
    running = NULL, load1 = NULL, free_memory_bytes = NULL`;
}

/**
 * CTEs that write the end of sessions to the feed and to the agents' histories. A history is a ring of `keptSessions`
 * rows: an end costs one row written, however often an agent reconnects, and nothing has to be removed.
 *
 * @param rows a CTE with `endedColumns`, at most one row for an agent, of sessions that the statement has locked.
 */
export function sessionEnds(rows: string): string {
  return `logged AS (
  INSERT INTO agent_session_log AS l (agent_id, slot, epoch, server_id, connected_at, disconnected_at, reason, detail)
  SELECT agent_id, sessions % ${keptSessions}, epoch, server_id, connected_at, disconnected_at, disconnect_reason, disconnect_detail FROM ${rows}
  ON CONFLICT (agent_id, slot) DO UPDATE SET epoch = excluded.epoch, server_id = excluded.server_id,
    connected_at = excluded.connected_at, disconnected_at = excluded.disconnected_at, reason = excluded.reason, detail = excluded.detail
), fed AS (${connectionEntries("agent.disconnected", rows)})`;
}

/** $1 agent, $2 company, $3 limit. One row without a session for an agent that never had one. */
const read = `
SELECT x.* FROM agent_sessions s LEFT JOIN LATERAL (
  SELECT s.epoch, s.server_id, s.connected_at, NULL::timestamptz AS disconnected_at, NULL::text AS reason, NULL::text AS detail
  WHERE s.connected
  UNION ALL
  SELECT l.epoch, l.server_id, l.connected_at, l.disconnected_at, l.reason, l.detail FROM agent_session_log l
  WHERE l.agent_id = s.agent_id
) x ON true
WHERE s.agent_id = $1 AND s.company_id = $2
ORDER BY x.epoch DESC LIMIT $3`;

interface SessionRow {
  /** Null where there is none. */
  epoch: number | null;
  server_id: string;
  connected_at: Date;
  disconnected_at: Date | null;
  reason: DisconnectReason | null;
  detail: string | null;
}

export async function agentSessions(
  sql: Sql,
  companyId: string,
  agentId: string,
  limit: number,
): Promise<SessionRecord[] | null> {
  const values = [agentId, companyId, Math.min(limit, keptSessions)];
  const rows = await sql.rows<SessionRow>({ name: "agent-sessions", text: read, values });
  if (rows.length === 0) return null;
  return rows.flatMap(({ epoch, server_id: serverId, ...row }) =>
    epoch === null
      ? []
      : [
          {
            epoch,
            serverId,
            connectedAt: row.connected_at,
            disconnectedAt: row.disconnected_at,
            reason: row.reason,
            detail: row.detail,
          },
        ],
  );
}
