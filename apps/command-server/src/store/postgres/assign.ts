import type { JsonObject, Lane } from "../../commands/command.ts";
import type { AssignOutcome, AssignRequest, Assignment } from "../command-store.ts";
import type { StoreContext } from "./context.ts";
import { commandEntries } from "./feed-entries.ts";
import { judgeStale } from "./sessions.ts";
import { changeColumns, toChange, type ChangeRow } from "./rows.ts";

/**
 * Fencing and assignment in one statement for any number of agents.
 *
 * In:  $1 agent ids (distinct), $2 epochs, $3 free work slots, $4 free control slots, $5 this server, $6 start grace ms.
 * Out: one row per assignment, one without a command for an agent with none, one with `current` false for a stale one.
 *
 * A session's row is locked first, in order of agent id, so that a session opened meanwhile either sees these
 * assignments or fences them off; an agent that an operator drains has no work slots, whatever was asked for. A command that another transaction has in hand is skipped and found the next time.
 * The pick walks the dispatch index: it costs what it takes, however much is stored.
 */
const assign = `
WITH request AS (
  SELECT * FROM unnest($1::text[], $2::bigint[], $3::int[], $4::int[]) AS r(agent_id, epoch, work, control)
), session AS MATERIALIZED (
  SELECT s.agent_id, s.company_id, s.epoch, s.ledger_id, s.assign_no, r.control,
    CASE WHEN s.drain_requested_at IS NULL THEN r.work ELSE 0 END AS work
  FROM agent_sessions s JOIN request r ON r.agent_id = s.agent_id
  WHERE s.epoch = r.epoch AND s.server_id = $5 AND s.connected
  ORDER BY s.agent_id FOR NO KEY UPDATE OF s
), picked AS MATERIALIZED (
  SELECT s.agent_id, s.epoch, s.ledger_id, c.id,
    s.assign_no + row_number() OVER (PARTITION BY s.agent_id ORDER BY slots.lane, c.priority DESC, c.seq) AS assign_no
  FROM session s
  CROSS JOIN LATERAL (VALUES ('control', s.control), ('work', s.work)) AS slots(lane, free)
  CROSS JOIN LATERAL (
    SELECT c.id, c.priority, c.seq FROM commands c
    WHERE c.status = 'queued' AND c.agent_id = s.agent_id AND c.company_id = s.company_id AND c.lane = slots.lane
      AND c.expires_at > clock_timestamp()
    ORDER BY c.priority DESC, c.seq LIMIT slots.free
    FOR NO KEY UPDATE SKIP LOCKED
  ) c
), moved AS (
  UPDATE commands c SET status = 'assigned', revision = c.revision + 1, epoch = p.epoch, ledger_id = p.ledger_id,
    assign_no = p.assign_no, assigned_at = clock_timestamp(), due_at = c.expires_at + $6::float8 * interval '1 ms'
  FROM picked p WHERE c.id = p.id
  RETURNING c.id, c.company_id, c.agent_id, c.type, ${changeColumns("c")}, c.epoch, c.assign_no, c.lane, c.command, c.args,
    c.parameters, c.timeout_ms, c.idempotent, c.traceparent, c.queued_at, c.expires_at
), numbered AS (
  UPDATE agent_sessions s SET assign_no = p.highest
  FROM (SELECT agent_id, max(assign_no) AS highest FROM picked GROUP BY agent_id) p WHERE s.agent_id = p.agent_id
), fed AS (${commandEntries("moved")})
SELECT r.agent_id, s.agent_id IS NOT NULL AS current, m.id, m.epoch, m.assign_no, m.type, m.lane,
  m.command, m.args, m.parameters, m.timeout_ms, m.idempotent, m.traceparent, ${changeColumns("m")},
  (extract(epoch FROM m.expires_at - clock_timestamp()) * 1000)::float8 AS window_ms,
  (extract(epoch FROM m.assigned_at - m.queued_at) * 1000)::float8 AS waited_ms
FROM request r
LEFT JOIN session s ON s.agent_id = r.agent_id
LEFT JOIN moved m ON m.agent_id = s.agent_id
ORDER BY r.agent_id, m.assign_no`;

/** Which of the agents $1, as far as this server ($2) holds them, have work that could be assigned. */
const withWork = `
SELECT s.agent_id FROM agent_sessions s
WHERE s.agent_id = ANY($1::text[]) AND s.server_id = $2 AND s.connected AND EXISTS (
  SELECT FROM commands c WHERE c.status = 'queued' AND c.agent_id = s.agent_id AND c.company_id = s.company_id
    AND c.expires_at > clock_timestamp() AND (s.drain_requested_at IS NULL OR c.lane = 'control'))
ORDER BY s.agent_id`;

const cancels = `
SELECT c.id, c.attempt, c.assign_no FROM commands c
WHERE c.agent_id = $1 AND c.status = 'assigned' AND c.cancel_requested_at IS NOT NULL ORDER BY c.assign_no`;

interface AgentRow {
  agent_id: string;
  current: boolean;
  id: string | null;
}

/** An agent's row that has an assignment. */
interface AssignedRow extends AgentRow, ChangeRow {
  id: string;
  epoch: number;
  assign_no: number;
  type: string;
  lane: Lane;
  command: string | null;
  args: string[] | null;
  parameters: JsonObject;
  timeout_ms: number;
  idempotent: boolean;
  traceparent: string | null;
  window_ms: number;
  waited_ms: number;
}

/**
 * Not repeatable blindly: after `store_unavailable` commands may be assigned that nobody sends. The caller closes the
 * sessions concerned, so that their reconciliation puts them back.
 */
export async function assignCommands(
  context: StoreContext,
  requests: readonly AssignRequest[],
): Promise<AssignOutcome> {
  const { sql, serverId, settings, hub } = context;
  const byAgent = new Map(requests.map((request) => [request.agentId, request]));
  if (byAgent.size === 0) return { assignments: [], stale: [] };
  const distinct = [...byAgent.values()];
  const rows = await sql.rows<AgentRow | AssignedRow>({
    name: "assign",
    text: assign,
    values: [
      distinct.map(({ agentId }) => agentId),
      distinct.map(({ epoch }) => epoch),
      distinct.map(({ work }) => Math.max(0, work)),
      distinct.map(({ control }) => Math.max(0, control)),
      serverId,
      settings.startGraceMs,
    ],
  });
  const assigned = rows.filter((row): row is AssignedRow => row.id !== null);
  if (assigned.length > 0) {
    hub.changed(
      assigned.map((row) => {
        const change = toChange(row);
        return { kind: "state", commandId: row.id, status: "assigned", revision: row.revision, change };
      }),
    );
  }
  const stale = await judgeStale(
    context,
    rows
      .filter(({ current }) => !current)
      .map(({ agent_id }) => ({ agent_id, epoch: byAgent.get(agent_id)?.epoch ?? 0 })),
  );
  return { assignments: assigned.map(toAssignment), stale };
}

function toAssignment(row: AssignedRow): Assignment {
  return {
    commandId: row.id,
    agentId: row.agent_id,
    epoch: row.epoch,
    assignNo: row.assign_no,
    attempt: row.attempt,
    type: row.type,
    lane: row.lane,
    command: row.command,
    args: row.args,
    parameters: row.parameters,
    timeoutMs: row.timeout_ms,
    startWindowMs: Math.max(0, Math.floor(row.window_ms)),
    idempotent: row.idempotent,
    traceparent: row.traceparent,
    waitedMs: Math.max(0, row.waited_ms),
  };
}

/** The safety net under lost wake-ups; of this server's open sessions alone. */
export async function agentsWithWork({ sql, serverId }: StoreContext, agentIds: readonly string[]): Promise<string[]> {
  if (agentIds.length === 0) return [];
  const rows = await sql.rows<{ agent_id: string }>({
    name: "agents-with-work",
    text: withWork,
    values: [agentIds, serverId],
  });
  return rows.map(({ agent_id }) => agent_id);
}

export async function pendingCancels({ sql }: StoreContext, agentId: string) {
  const rows = await sql.rows<{ id: string; attempt: number; assign_no: number }>({
    name: "pending-cancels",
    text: cancels,
    values: [agentId],
  });
  return rows.map((row) => ({ commandId: row.id, attempt: row.attempt, assignNo: row.assign_no }));
}
