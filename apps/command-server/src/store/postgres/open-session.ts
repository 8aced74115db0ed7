import type { Lane, RetryPolicy } from "../../commands/command.ts";
import type { KeptRun, OpenSession, OpenSessionOutcome, WatchEvent } from "../command-store.ts";
import type { StoreContext } from "./context.ts";
import { connectionEntries } from "./feed-entries.ts";
import { profileValues, setProfile } from "./profile.ts";
import { isSameRun, settle, type AssignedRun, type Settlement } from "../reconcile.ts";
import { settleRuns } from "./settle-runs.ts";
import type { Sql } from "./sql.ts";

type Rows = Sql["rows"];

/** Taken before anything is read: a statement that waits for a lock still reads the other tables as they were before. */
const lock = `SELECT FROM agent_sessions WHERE agent_id = $1 FOR NO KEY UPDATE`;

/**
 * Everything that decides about a hello: $1 agent, $2 ledger, $3 holder timeout in ms.
 * `fresh`: its session is open, and neither it nor its server has been silent for too long.
 */
const look = `
SELECT a.company_id, a.fleet, a.revoked_at IS NOT NULL AS revoked, s.epoch, s.ledger_id, s.server_id, s.connected,
  l.highest AS reported,
  (extract(epoch FROM clock_timestamp() - s.seen_at) * 1000)::float8 AS silent_ms,
  coalesce(s.connected AND least(s.seen_at, v.seen_at) > clock_timestamp() - $3::float8 * interval '1 ms', false) AS fresh
FROM agents a
JOIN agent_sessions s ON s.agent_id = a.agent_id
LEFT JOIN agent_ledgers l ON l.agent_id = a.agent_id AND l.ledger_id = $2
LEFT JOIN servers v ON v.server_id = s.server_id
WHERE a.agent_id = $1`;

/** The session that is open, $1 agent, as one that ends: before the new one is written. */
const supersede = `
WITH ended AS (
  SELECT agent_id, company_id, epoch, server_id, 'superseded' AS disconnect_reason FROM agent_sessions WHERE agent_id = $1
)
${connectionEntries("agent.disconnected", "ended")}`;

/** Ledgers that are remembered of one agent, beside the one that speaks. */
const pastLedgers = 8;

/**
 * The new session; $1 agent, $2 epoch, $3 ledger, $4 boot id, $5 server, $6 largest number that the hello knows of,
 * $7 the largest that its ledger has recorded. The counter never falls behind: a store that forgot would give a number twice.
 * An agent's oldest ledgers are forgotten: their runs were settled when the next one spoke, so that a copy of one has
 * nothing to run again.
 */
const open = `
WITH opened AS (
  UPDATE agent_sessions SET epoch = $2, ledger_id = $3, boot_id = $4, server_id = $5, connected = true,
    assign_no = greatest(assign_no, $6::bigint), seen_at = clock_timestamp(), connected_at = clock_timestamp(),
    disconnected_at = NULL, disconnect_reason = NULL, disconnect_detail = NULL
  WHERE agent_id = $1 RETURNING agent_id, company_id, epoch, server_id
), fed AS (${connectionEntries("agent.connected", "opened")}), forgotten AS (
  DELETE FROM agent_ledgers WHERE agent_id = $1 AND ledger_id = ANY(ARRAY(
    SELECT l.ledger_id FROM agent_ledgers l WHERE l.agent_id = $1 AND l.ledger_id <> $3
    ORDER BY l.first_seen DESC OFFSET ${pastLedgers}))
)
INSERT INTO agent_ledgers AS l (agent_id, ledger_id, highest, first_seen) VALUES ($1, $3, $7, clock_timestamp())
ON CONFLICT (agent_id, ledger_id) DO UPDATE SET highest = excluded.highest WHERE l.highest < excluded.highest`;

const assigned = `
SELECT c.id, c.lane, c.ledger_id, c.attempt, c.assign_no, c.started_at IS NOT NULL AS started, c.idempotent, c.retry,
  c.cancel_requested_at IS NOT NULL AS cancel_requested, c.expires_at <= clock_timestamp() AS expired, c.output_end
FROM commands c WHERE c.agent_id = $1 AND c.status = 'assigned' ORDER BY c.id FOR NO KEY UPDATE`;

interface AgentRow {
  company_id: string;
  fleet: string;
  revoked: boolean;
  epoch: number;
  ledger_id: string | null;
  server_id: string | null;
  connected: boolean;
  reported: number | null;
  silent_ms: number | null;
  fresh: boolean;
}

interface AssignedRow {
  id: string;
  lane: Lane;
  ledger_id: string;
  attempt: number;
  assign_no: number;
  started: boolean;
  idempotent: boolean;
  retry: RetryPolicy | null;
  cancel_requested: boolean;
  expired: boolean;
  output_end: number;
}

interface Opened {
  outcome: OpenSessionOutcome;
  events: WatchEvent[];
}

/**
 * One transaction: fences the sessions before, and settles every assigned command against what the agent holds.
 * Repeatable: the same hello again opens another session with a higher epoch, and settles nothing twice.
 */
export async function openSession(context: StoreContext, hello: OpenSession): Promise<OpenSessionOutcome> {
  const { sql, signals, hub, serverId } = context;
  // Before the commit: work that is queued right after it must find the session.
  signals.hold(hello.agentId);
  try {
    const { outcome, events } = await sql.transaction((rows) => openIn(rows, context, hello));
    if (outcome.kind !== "opened") {
      if (outcome.kind !== "in_use" || outcome.serverId !== serverId) signals.release(hello.agentId);
      return outcome;
    }
    hub.changed(events);
    hub.feedGrew();
    const { superseded } = outcome;
    if (superseded !== null && superseded.serverId !== serverId) {
      signals.drop({ agentId: hello.agentId, holder: superseded.serverId, epoch: superseded.epoch }, "superseded");
    }
    return outcome;
  } catch (error) {
    signals.release(hello.agentId);
    throw error;
  }
}

async function openIn(rows: Rows, { serverId, settings }: StoreContext, hello: OpenSession): Promise<Opened> {
  await rows({ name: "session-lock", text: lock, values: [hello.agentId] });
  const [before] = await rows<AgentRow>({
    name: "session-look",
    text: look,
    values: [hello.agentId, hello.ledgerId, settings.holderTimeoutMs],
  });
  if (before === undefined) return refuse({ kind: "agent_unknown" });
  if (before.revoked) return refuse({ kind: "revoked" });
  if (before.reported !== null && hello.highest < before.reported) return refuse({ kind: "restored_copy" });
  if (before.fresh && before.ledger_id !== hello.ledgerId) {
    return refuse({ kind: "in_use", serverId: before.server_id ?? "", lastSeenMs: Math.round(before.silent_ms ?? 0) });
  }

  // Before any ledger is written: results lock commands first, and then ledgers.
  const runs = await rows<AssignedRow>({ name: "session-assigned", text: assigned, values: [hello.agentId] });
  if (before.connected) await rows({ name: "session-supersede", text: supersede, values: [hello.agentId] });
  const epoch = Math.max(before.epoch, hello.seenEpoch) + 1;
  const known = Math.max(hello.highest, hello.horizon, ...hello.held.map(({ assignNo }) => assignNo));
  await rows({
    name: "session-open",
    text: open,
    values: [hello.agentId, epoch, hello.ledgerId, hello.bootId, serverId, known, hello.highest],
  });
  await rows({ name: "profile", text: setProfile, values: profileValues(hello.agentId, hello.profile) });
  const settled = runs.map((row) => ({ row, settlement: settle(toRun(row), hello) }));
  const events = await settleRuns(
    rows,
    settings,
    epoch,
    settled.map(({ row, settlement }) => ({ commandId: row.id, settlement })),
  );

  const kept = settled.filter(({ settlement }) => isKept(settlement)).map(({ row }) => toKept(row));
  const idsOf = (...wanted: Settlement[]) =>
    settled.filter(({ settlement }) => wanted.includes(settlement)).map(({ row }) => row.id);
  return {
    events,
    outcome: {
      kind: "opened",
      epoch,
      companyId: before.company_id,
      fleet: hello.profile.fleet || before.fleet,
      superseded: before.connected ? { serverId: before.server_id ?? "", epoch: before.epoch } : null,
      kept,
      stop: hello.held.filter((entry) => entry.state === "running" && !kept.some((run) => isSameRun(entry, run))),
      requeued: idsOf("requeue", "retry"),
      lost: idsOf("lose"),
    },
  };
}

function refuse(outcome: OpenSessionOutcome): Opened {
  return { outcome, events: [] };
}

function isKept(settlement: Settlement): boolean {
  return settlement === "keep_running" || settlement === "keep_done";
}

function toRun(row: AssignedRow): AssignedRun {
  return {
    commandId: row.id,
    ledgerId: row.ledger_id,
    attempt: row.attempt,
    assignNo: row.assign_no,
    started: row.started,
    cancelRequested: row.cancel_requested,
    idempotent: row.idempotent,
    retry: row.retry,
    expired: row.expired,
  };
}

function toKept(row: AssignedRow): KeptRun {
  return {
    commandId: row.id,
    assignNo: row.assign_no,
    attempt: row.attempt,
    lane: row.lane,
    outputEnd: row.output_end,
    cancelRequested: row.cancel_requested,
  };
}
