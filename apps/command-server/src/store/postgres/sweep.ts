import type { StoreContext } from "./context.ts";
import { commandEntries, entryColumns } from "./feed-entries.ts";

/**
 * Ends what is due, oldest first: $1 at most so many. What another transaction has in hand is skipped: it is being
 * answered, or another server is sweeping it. The server's verdict is final whatever the retry policy says, since
 * nobody knows whether the run goes on. `holder` is the server of the agent's open session.
 */
const sweep = `
WITH due AS MATERIALIZED (
  SELECT c.id, c.status = 'queued' AS waiting, c.started_at FROM commands c
  WHERE c.status IN ('queued', 'assigned') AND c.due_at <= statement_timestamp()
  ORDER BY c.due_at LIMIT $1 FOR NO KEY UPDATE SKIP LOCKED
), moved AS (
  UPDATE commands c SET revision = c.revision + 1, finished_at = clock_timestamp(), due_at = NULL,
    status = CASE WHEN due.waiting THEN 'expired' ELSE 'timeout' END,
    error = CASE WHEN due.waiting THEN 'expired' WHEN due.started_at IS NULL THEN 'start_unknown' ELSE 'timeout' END,
    error_message = CASE
      WHEN due.waiting THEN 'it was not started before expiresAt'
      WHEN due.started_at IS NULL THEN 'the agent never said whether it started'
      ELSE 'its time was over, and the agent did not say that it ended' END,
    duration_ms = CASE WHEN due.started_at IS NOT NULL
      THEN round(extract(epoch FROM clock_timestamp() - due.started_at) * 1000) END
  FROM due WHERE c.id = due.id
  RETURNING ${entryColumns}, c.assign_no
), fed AS (${commandEntries("moved")})
SELECT m.id, m.agent_id, m.attempt, m.assign_no, m.status, m.revision,
  CASE WHEN s.connected THEN s.server_id END AS holder
FROM moved m LEFT JOIN agent_sessions s ON s.agent_id = m.agent_id`;

interface SweptRow {
  id: string;
  agent_id: string;
  attempt: number;
  assign_no: number | null;
  status: "expired" | "timeout";
  revision: number;
  holder: string | null;
}

/** Repeatable. `assignNo` is 0 for what was never assigned. */
export async function sweepDue({ sql, hub, signals }: StoreContext, limit: number) {
  const rows = await sql.rows<SweptRow>({ name: "sweep", text: sweep, values: [limit] });
  hub.changed(rows.map(({ id, status, revision }) => ({ kind: "state", commandId: id, status, revision })));
  const ended = rows.map((row) => ({
    commandId: row.id,
    agentId: row.agent_id,
    attempt: row.attempt,
    assignNo: row.assign_no ?? 0,
    status: row.status,
  }));
  signals.stop(
    rows.flatMap(({ id, agent_id, attempt, assign_no, status, holder }) =>
      status === "timeout" && assign_no !== null
        ? [{ agentId: agent_id, commandId: id, attempt, assignNo: assign_no, holder }]
        : [],
    ),
  );
  return ended;
}
