import type { CancelOutcome } from "../command-store.ts";
import type { StoreContext } from "./context.ts";
import { commandEntries } from "./feed-entries.ts";
import { getCommand } from "./read-commands.ts";
import { commandColumns, toCommand, type CommandRow } from "./rows.ts";

/**
 * Ends what is queued, notes the wish on what is assigned; $1 command, $2 company. No row: it has ended, or isn't there.
 * `holder` is the server of the agent's open session.
 */
const cancel = `
WITH target AS MATERIALIZED (
  SELECT c.id, c.status, c.status = 'queued' AS was_queued FROM commands c
  WHERE c.id = $1 AND c.company_id = $2 FOR NO KEY UPDATE
), moved AS (
  UPDATE commands c SET cancel_requested_at = coalesce(c.cancel_requested_at, clock_timestamp()),
    status = CASE WHEN t.was_queued THEN 'cancelled' ELSE c.status END,
    revision = c.revision + t.was_queued::int,
    finished_at = CASE WHEN t.was_queued THEN clock_timestamp() END,
    due_at = CASE WHEN t.was_queued THEN NULL ELSE c.due_at END,
    error = CASE WHEN t.was_queued THEN 'cancelled' END,
    error_message = CASE WHEN t.was_queued THEN 'cancelled before it was assigned' END
  FROM target t WHERE c.id = t.id AND t.status IN ('queued', 'assigned')
  RETURNING ${commandColumns}, t.was_queued
), ended AS (SELECT * FROM moved WHERE was_queued), fed AS (${commandEntries("ended")})
SELECT m.*, (SELECT CASE WHEN s.connected THEN s.server_id END FROM agent_sessions s WHERE s.agent_id = m.agent_id) AS holder
FROM moved m`;

type CancelRow = CommandRow & { was_queued: boolean; holder: string | null };

/** Repeatable: a second wish keeps the time of the first, and signals again. */
export async function cancelCommand(
  context: StoreContext,
  companyId: string,
  commandId: string,
): Promise<CancelOutcome> {
  const [row] = await context.sql.rows<CancelRow>({ name: "cancel", text: cancel, values: [commandId, companyId] });
  if (row === undefined) {
    const command = await getCommand(context.sql, companyId, commandId);
    return command === null ? { kind: "not_found" } : { kind: "already_ended", command };
  }
  const command = toCommand(row);
  if (row.was_queued) {
    context.hub.changed([{ kind: "state", commandId, status: "cancelled", revision: command.revision }]);
    return { kind: "cancelled", command };
  }
  context.signals.cancel([{ agentId: command.agentId, holder: row.holder }]);
  return { kind: "requested", command };
}
