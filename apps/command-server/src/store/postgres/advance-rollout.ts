import { cancelledByRollout, nextStep } from "../../rollouts/rollout.ts";
import type { AdvanceOutcome } from "../command-store.ts";
import { cancelQueued, type CancelledRow } from "./cancel-rollout.ts";
import type { StoreContext } from "./context.ts";
import { commandEntries, entryColumns } from "./feed-entries.ts";
import { readRollout } from "./read-rollouts.ts";
import { countedStates } from "./rollout-rows.ts";
import { readStanding, type RolloutStanding } from "./rollout-standing.ts";
import type { Sql } from "./sql.ts";

/**
 * Queues the next targets' commands as `enqueue` does: $1 rollout, $2 the first target's position, $3 how many, $4 default
 * expiry in ms. A command id that is taken is left out; `holder` is the server of the agent's open session.
 */
const queue = `
WITH made AS MATERIALIZED (
  SELECT r.id AS rollout_id, r.company_id, r.expires_at, m.* FROM rollouts r, jsonb_to_record(r.template) AS m(type text,
    lane text, command text, args jsonb, parameters jsonb, "timeoutMs" bigint, priority smallint, idempotent boolean,
    retry jsonb, traceparent text, "createdBy" text)
  WHERE r.id = $1
), moved_on AS (
  UPDATE rollouts SET next_position = $2::int + $3::int WHERE id = $1
), added AS (
  INSERT INTO commands AS c (id, company_id, agent_id, type, lane, command, args, parameters, timeout_ms, priority,
    idempotent, retry, traceparent, created_by, rollout_id, queued_at, expires_at, due_at)
  SELECT t.command_id, m.company_id, t.agent_id, m.type, m.lane, m.command, m.args, m.parameters, m."timeoutMs",
    m.priority, m.idempotent, m.retry, m.traceparent, m."createdBy", m.rollout_id, clock_timestamp(), expiry, expiry
  FROM made m, rollout_targets t,
    LATERAL (SELECT coalesce(m.expires_at, clock_timestamp() + $4::float8 * interval '1 ms')) AS x(expiry)
  WHERE t.rollout_id = $1 AND t.position >= $2::int AND t.position < $2::int + $3::int
  ORDER BY t.position
  ON CONFLICT (id) DO NOTHING
  RETURNING ${entryColumns}
), fed AS (${commandEntries("added")})
SELECT a.id, a.agent_id,
  (SELECT CASE WHEN s.connected THEN s.server_id END FROM agent_sessions s WHERE s.agent_id = a.agent_id) AS holder
FROM added a`;

interface QueuedRow {
  id: string;
  agent_id: string;
  holder: string | null;
}

const end = "UPDATE rollouts SET status = $2, finished_at = clock_timestamp() WHERE id = $1";

/** From here on the counts stand in the rollout's own row: its commands may be removed when their time is over. */
const settle = `
UPDATE rollouts r SET settled_at = clock_timestamp(), final_counts = coalesce(${countedStates}, '{}') WHERE r.id = $1`;

/** What a step did, for those who are to be told when it is committed. */
interface StepTaken {
  outcome: AdvanceOutcome;
  queued: QueuedRow[];
  cancelled: CancelledRow[];
}

/** Repeatable. Null where there is no such rollout. */
export async function advanceRollout(
  context: StoreContext,
  rolloutId: string,
  limit: number,
): Promise<AdvanceOutcome | null> {
  const { sql, settings, hub, signals } = context;
  const taken = await sql.transaction(async (rows): Promise<StepTaken | null> => {
    // In a statement of its own: the next one then sees all that those did who held the lock before.
    await rows({
      name: "lock-rollout",
      text: "SELECT FROM rollouts WHERE id = $1 FOR NO KEY UPDATE",
      values: [rolloutId],
    });
    const standing = await readStanding(rows, rolloutId);
    return standing === null ? settledBefore(rows, rolloutId) : take(rows, standing);
  });
  if (taken === null) return null;
  const { outcome, queued, cancelled } = taken;
  hub.changed(queued.map(({ id }) => ({ kind: "state", commandId: id, status: "queued", revision: 1 })));
  hub.changed(cancelled.map(({ id, revision }) => ({ kind: "state", commandId: id, status: "cancelled", revision })));
  signals.wake(queued.map(({ agent_id, holder }) => ({ agentId: agent_id, holder })));
  return outcome;

  async function take(rows: Sql["rows"], { now, type, nextPosition }: RolloutStanding): Promise<StepTaken> {
    const step = nextStep(now, limit);
    const after = { ...now };
    let queued: QueuedRow[] = [];
    let cancelled: CancelledRow[] = [];
    switch (step.do) {
      case "wait":
        break;
      case "queue": {
        const values = [rolloutId, nextPosition, step.count, settings.defaultExpiryMs];
        queued = await rows<QueuedRow>({ name: "rollout-queue", text: queue, values });
        after.pending -= step.count;
        after.live += queued.length;
        break;
      }
      case "halt":
        after.status = "halted";
        await rows({ name: "rollout-end", text: end, values: [rolloutId, after.status] });
        cancelled = await cancelQueued(rows, rolloutId, cancelledByRollout.halted);
        break;
      case "cancel":
        cancelled = await cancelQueued(
          rows,
          rolloutId,
          now.status === "halted" ? cancelledByRollout.halted : cancelledByRollout.stopped,
        );
        break;
      case "complete":
        after.status = "completed";
        await rows({ name: "rollout-end", text: end, values: [rolloutId, after.status] });
        await rows({ name: "rollout-settle", text: settle, values: [rolloutId] });
        break;
      case "settle":
        await rows({ name: "rollout-settle", text: settle, values: [rolloutId] });
        break;
    }
    const more = step.do === "queue" && nextStep(after, limit).do === "queue";
    const ended = after.status === now.status ? null : await readRollout(rows, rolloutId);
    return {
      outcome: { status: after.status, type, queued: queued.length, cancelled: cancelled.length, more, ended },
      queued,
      cancelled,
    };
  }
}

/** Nothing changes any more, or there is no such rollout. */
async function settledBefore(rows: Sql["rows"], rolloutId: string): Promise<StepTaken | null> {
  const rollout = await readRollout(rows, rolloutId);
  if (rollout === null) return null;
  const { status, template } = rollout;
  const outcome = { status, type: template.type, queued: 0, cancelled: 0, more: false, ended: null };
  return { outcome, queued: [], cancelled: [] };
}
