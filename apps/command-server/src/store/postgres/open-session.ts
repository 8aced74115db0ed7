import { createBatcher } from "../batcher.ts";
import type { HeldCommand, KeptRun, OpenSession, OpenSessionOutcome, WatchEvent } from "../command-store.ts";
import { isUnavailable } from "../errors.ts";
import { isSameRun, settle, type AssignedRun, type Settlement } from "../reconcile.ts";
import type { StoreContext } from "./context.ts";
import {
  assigned,
  forgotten,
  lock,
  lockFree,
  look,
  open,
  supersede,
  type AgentRow,
  type AssignedRow,
} from "./open-statements.ts";
import { setProfiles, profileColumns } from "./profile.ts";
import { settleRuns } from "./settle-runs.ts";
import type { Sql } from "./sql.ts";

type Rows = Sql["rows"];

type OpenedOutcome = Extract<OpenSessionOutcome, { kind: "opened" }>;

interface Opened {
  outcome: OpenSessionOutcome;
  /** What watchers are told after the commit. */
  events: WatchEvent[];
}

/** A hello that is to be opened, with what stood before it. */
interface Opening {
  hello: OpenSession;
  before: AgentRow;
  epoch: number;
}

// One transaction takes about as long for twenty hellos as for one; many more would make the first wait for the last.
const hellosAtOnce = 64;
const heldAtOnce = 2_000;

/**
 * Fences the sessions before, and settles every assigned command against what the agent holds: in one transaction, which
 * hellos that come at once share, so that a herd costs some statements and not thousands. A hello whose agent is in
 * another transaction's hands goes alone: its neighbours don't wait for it.
 *
 * Repeatable: the same hello again opens another session with a higher epoch, and settles nothing twice.
 */
export function createOpenSession(context: StoreContext): (hello: OpenSession) => Promise<OpenSessionOutcome> {
  const { sql, signals, hub, serverId } = context;
  const together = createBatcher<OpenSession, Opened | null>({
    keysOf: ({ agentId }) => [agentId],
    maxItems: hellosAtOnce,
    sizeOf: ({ held }) => held.length,
    maxSize: heldAtOnce,
    concernsAll: isUnavailable,
    run: (hellos) => sql.transaction((rows) => openIn(rows, context, hellos, lockFree)),
  });
  const alone = async (hello: OpenSession): Promise<Opened> => {
    const [opened] = await sql.transaction((rows) => openIn(rows, context, [hello], lock));
    return opened ?? refuse({ kind: "agent_unknown" });
  };

  return async (hello) => {
    // Before the commit: work that is queued right after it must find the session.
    signals.hold(hello.agentId);
    try {
      const { outcome, events } = (await together(hello)) ?? (await alone(hello));
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
  };
}

/** Null for an agent whose row couldn't be locked by `locking`, or isn't there. */
async function openIn(
  rows: Rows,
  context: StoreContext,
  hellos: readonly OpenSession[],
  locking: string,
): Promise<(Opened | null)[]> {
  const name = locking === lock ? "session-lock" : "session-lock-free";
  const ids = hellos.map(({ agentId }) => agentId);
  const locked = new Set((await rows<{ agent_id: string }>({ name, text: locking, values: [ids] })).map(toAgentId));
  const ours = hellos.filter(({ agentId }) => locked.has(agentId));
  const found = await rows<AgentRow>({
    name: "session-look",
    text: look,
    values: [
      ours.map(({ agentId }) => agentId),
      ours.map(({ ledgerId }) => ledgerId),
      context.settings.holderTimeoutMs,
    ],
  });
  const before = new Map(found.map((row) => [row.agent_id, row]));
  const openings: Opening[] = [];
  const outcomes = new Map<string, Opened>();
  for (const hello of ours) {
    const row = before.get(hello.agentId);
    const refusal = refusalOf(hello, row);
    if (refusal !== null) outcomes.set(hello.agentId, refuse(refusal));
    else if (row) openings.push({ hello, before: row, epoch: Math.max(row.epoch, hello.seenEpoch) + 1 });
  }
  if (openings.length > 0) await openAll(rows, context, openings, outcomes);
  return ids.map((agentId) => outcomes.get(agentId) ?? null);
}

function refusalOf(hello: OpenSession, before: AgentRow | undefined): OpenSessionOutcome | null {
  if (before === undefined) return { kind: "agent_unknown" };
  if (before.revoked) return { kind: "revoked" };
  if (before.reported !== null && hello.highest < before.reported) return { kind: "restored_copy" };
  if (!before.fresh || before.ledger_id === hello.ledgerId) return null;
  return { kind: "in_use", serverId: before.server_id ?? "", lastSeenMs: Math.round(before.silent_ms ?? 0) };
}

async function openAll(
  rows: Rows,
  { serverId, settings }: StoreContext,
  openings: readonly Opening[],
  outcomes: Map<string, Opened>,
): Promise<void> {
  const ids = openings.map(({ hello }) => hello.agentId);
  // Before any ledger is written: results lock commands first, and then ledgers.
  const runs = await rows<AssignedRow>({ name: "session-assigned", text: assigned, values: [ids] });
  if (openings.some(({ before }) => before.connected))
    await rows({ name: "session-supersede", text: supersede, values: [ids] });
  const hellos = openings.map(({ hello }) => hello);
  await rows({
    name: "session-open",
    text: open,
    values: [
      ids,
      openings.map(({ epoch }) => epoch),
      hellos.map(({ ledgerId }) => ledgerId),
      hellos.map(({ bootId }) => bootId),
      serverId,
      hellos.map((hello) => Math.max(hello.highest, hello.horizon, ...hello.held.map(({ assignNo }) => assignNo))),
      hellos.map(({ highest }) => highest),
      openings.map(({ before, hello }) => before.reported !== null && before.reported >= hello.highest),
    ],
  });
  await rows({ name: "profiles", text: setProfiles, values: profileColumns(hellos) });
  const runsOf = Map.groupBy(runs, toAgentId);
  const settled = openings.flatMap((opening) =>
    (runsOf.get(opening.hello.agentId) ?? []).map((row) => ({
      row,
      epoch: opening.epoch,
      settlement: settle(toRun(row), opening.hello),
    })),
  );
  const events = await settleRuns(
    rows,
    settings,
    settled.map(({ row, epoch, settlement }) => ({ commandId: row.id, epoch, settlement })),
  );
  const settledOf = Map.groupBy(settled, ({ row }) => row.agent_id);
  const opened = openings.map((opening) => {
    const own = settledOf.get(opening.hello.agentId) ?? [];
    const mine = new Set(own.map(({ row }) => row.id));
    return {
      events: events.filter(({ commandId }) => mine.has(commandId)),
      outcome: openedOutcome(opening, own),
      opening,
    };
  });
  await spareForgotten(rows, opened);
  for (const { opening, ...one } of opened) outcomes.set(opening.hello.agentId, one);
}

/** A run isn't stopped whose assignment the store has forgotten: see `OpenSessionOutcome`. */
async function spareForgotten(
  rows: Rows,
  opened: readonly { opening: Opening; outcome: OpenedOutcome }[],
): Promise<void> {
  const stopped = opened.flatMap(({ opening, outcome }) =>
    outcome.stop.map((run) => ({ ...run, agentId: opening.hello.agentId })),
  );
  if (stopped.length === 0) return;
  const found = await rows<{ agent_id: string; id: string; attempt: number }>({
    name: "session-forgotten",
    text: forgotten,
    values: [
      stopped.map(({ commandId }) => commandId),
      stopped.map(({ agentId }) => agentId),
      stopped.map(({ attempt }) => attempt),
    ],
  });
  const isForgotten = (agentId: string, { commandId, attempt }: HeldCommand): boolean =>
    found.some((row) => row.agent_id === agentId && row.id === commandId && row.attempt === attempt);
  for (const { opening, outcome } of opened)
    outcome.stop = outcome.stop.filter((run) => !isForgotten(opening.hello.agentId, run));
}

function openedOutcome(
  { hello, before, epoch }: Opening,
  settled: readonly { row: AssignedRow; settlement: Settlement }[],
): OpenedOutcome {
  const kept = settled.filter(({ settlement }) => isKept(settlement)).map(({ row }) => toKept(row));
  const idsOf = (...wanted: Settlement[]) =>
    settled.filter(({ settlement }) => wanted.includes(settlement)).map(({ row }) => row.id);
  return {
    kind: "opened",
    epoch,
    companyId: before.company_id,
    fleet: hello.profile.fleet || before.fleet,
    superseded: before.connected ? { serverId: before.server_id ?? "", epoch: before.epoch } : null,
    kept,
    stop: hello.held.filter((entry) => entry.state === "running" && !kept.some((run) => isSameRun(entry, run))),
    requeued: idsOf("requeue", "retry"),
    lost: idsOf("lose"),
  };
}

function refuse(outcome: OpenSessionOutcome): Opened {
  return { outcome, events: [] };
}

function toAgentId({ agent_id }: { agent_id: string }): string {
  return agent_id;
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
