import { cancelledByRollout } from "../../rollouts/rollout.ts";
import type { StopRolloutOutcome } from "../command-store.ts";
import type { StoreContext } from "./context.ts";
import { commandEntries, entryColumns } from "./feed-entries.ts";
import { readRollout } from "./read-rollouts.ts";
import { inStates } from "./rollout-rows.ts";
import type { Sql } from "./sql.ts";

/** Ends what is queued of a rollout: $1 rollout, $2 error, $3 its words. Rows in order, as all that lock several do. */
const cancelAll = `
WITH target AS MATERIALIZED (
  SELECT c.id FROM commands c WHERE c.rollout_id = $1 AND ${inStates("queued")} ORDER BY c.id FOR NO KEY UPDATE
), moved AS (
  UPDATE commands c SET cancel_requested_at = coalesce(c.cancel_requested_at, clock_timestamp()), status = 'cancelled',
    revision = c.revision + 1, finished_at = clock_timestamp(), due_at = NULL, error = $2, error_message = $3
  FROM target t WHERE c.id = t.id
  RETURNING ${entryColumns}
), fed AS (${commandEntries("moved")})
SELECT id, revision FROM moved`;

/** Notes the wish on what is assigned. */
const askAll = `
WITH target AS MATERIALIZED (
  SELECT c.id FROM commands c WHERE c.rollout_id = $1 AND ${inStates("assigned")} ORDER BY c.id FOR NO KEY UPDATE
), asked AS (
  UPDATE commands c SET cancel_requested_at = coalesce(c.cancel_requested_at, clock_timestamp())
  FROM target t WHERE c.id = t.id
  RETURNING c.agent_id
)
SELECT a.agent_id,
  (SELECT CASE WHEN s.connected THEN s.server_id END FROM agent_sessions s WHERE s.agent_id = a.agent_id) AS holder
FROM asked a`;

const stop = `
UPDATE rollouts SET status = 'stopped', finished_at = clock_timestamp() WHERE id = $1 AND status = 'running' RETURNING id`;

export interface CancelledRow {
  id: string;
  revision: number;
}

interface AskedRow {
  agent_id: string;
  holder: string | null;
}

const words = {
  [cancelledByRollout.halted]: "the rollout was halted by its errors before this was assigned",
  [cancelledByRollout.stopped]: "the rollout was stopped before this was assigned",
};

/** Inside the step that ends the rollout, or after it. */
export function cancelQueued(rows: Sql["rows"], rolloutId: string, error: keyof typeof words): Promise<CancelledRow[]> {
  const values = [rolloutId, error, words[error]];
  return rows<CancelledRow>({ name: "rollout-cancel", text: cancelAll, values });
}

/** Repeatable: it is then `already_ended`. */
export async function stopRollout(
  context: StoreContext,
  companyId: string,
  rolloutId: string,
  { cancelRunning }: { cancelRunning: boolean },
): Promise<StopRolloutOutcome> {
  const { sql, hub, signals } = context;
  const taken = await sql.transaction(async (rows) => {
    // Waits for a step under way, which then isn't followed by another.
    const [known] = await rows({
      name: "lock-company-rollout",
      text: "SELECT id FROM rollouts WHERE id = $1 AND company_id = $2 FOR NO KEY UPDATE",
      values: [rolloutId, companyId],
    });
    if (known === undefined) return null;
    const [stopped] = await rows({ name: "rollout-stop", text: stop, values: [rolloutId] });
    const cancelled = stopped === undefined ? [] : await cancelQueued(rows, rolloutId, cancelledByRollout.stopped);
    const asked = cancelRunning ? await rows<AskedRow>({ name: "rollout-ask", text: askAll, values: [rolloutId] }) : [];
    const rollout = await readRollout(rows, rolloutId);
    return rollout && { stopped: stopped !== undefined, cancelled, asked, rollout };
  });
  if (taken === null) return { kind: "not_found" };
  const { stopped, cancelled, asked, rollout } = taken;
  hub.changed(cancelled.map(({ id, revision }) => ({ kind: "state", commandId: id, status: "cancelled", revision })));
  signals.cancel(asked.map(({ agent_id, holder }) => ({ agentId: agent_id, holder })));
  const cancelRequested = asked.length;
  return stopped
    ? { kind: "stopped", rollout, cancelled: cancelled.length, cancelRequested }
    : { kind: "already_ended", rollout, cancelRequested };
}
