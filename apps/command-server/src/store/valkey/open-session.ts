import type { HeldCommand, KeptRun, OpenSession, OpenSessionOutcome, WatchEvent } from "../command-store.ts";
import { unavailable } from "../errors.ts";
import { isSameRun, settle, type AssignedRun, type Settlement } from "../reconcile.ts";
import type { StoreContext } from "./context.ts";
import { profileFields } from "./profile.ts";
import { parseState, type CommandState } from "./record.ts";
import { forgottenScript, lookScript, openScript } from "./session-scripts.ts";
import type { Valkey } from "./valkey.ts";

interface Look {
  companyId: string;
  revoked: boolean;
  fleet: string;
  reported: number | null;
  epoch: number;
  connected: string;
  ledgerId: string;
  serverId: string;
  silentMs: number;
  fresh: boolean;
  now: number;
  runs: { text: string; state: CommandState }[];
}

const maxTries = 30;

/**
 * Fences the sessions before, and settles every assigned command against what the agent holds, in one step: decided by
 * a look, and carried out if nothing has changed since. Repeatable: the same hello again opens another session with a
 * higher epoch, and settles nothing twice.
 */
export async function openSession(context: StoreContext, hello: OpenSession): Promise<OpenSessionOutcome> {
  const { signals, hub, serverId } = context;
  // Before the step: work that is queued right after it must find the session.
  signals.hold(hello.agentId);
  try {
    const { outcome, events } = await tryToOpen(context, hello);
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

interface Opened {
  outcome: OpenSessionOutcome;
  events: WatchEvent[];
}

async function tryToOpen(context: StoreContext, hello: OpenSession): Promise<Opened> {
  for (let tries = 0; tries < maxTries; tries += 1) {
    const before = await look(context, hello);
    const refused = refusal(before, hello);
    if (refused !== null || before === null) return { outcome: refused ?? { kind: "agent_unknown" }, events: [] };
    const opened = await open(context, hello, before);
    if (opened !== null) return opened;
  }
  throw unavailable(new Error(`the runs of ${hello.agentId} change faster than a session can be opened`));
}

async function look({ valkey }: StoreContext, hello: OpenSession): Promise<Look | null> {
  const answer = await valkey.run<string[]>(lookScript, hello.agentId, hello.ledgerId);
  if (answer.length === 0) return null;
  const [companyId = "", revoked, fleet = "", reported, epoch, connected = "0", ledgerId = "", serverId = ""] = answer;
  const [silentMs, fresh, now, ...texts] = answer.slice(8);
  const runs = texts.flatMap((text) => {
    const state = parseState(text);
    return state === null ? [] : [{ text, state }];
  });
  return {
    companyId,
    revoked: revoked === "1",
    fleet,
    reported: reported === "" ? null : Number(reported),
    epoch: Number(epoch),
    connected,
    ledgerId,
    serverId,
    silentMs: Number(silentMs),
    fresh: fresh === "1",
    now: Number(now),
    runs,
  };
}

function refusal(before: Look | null, hello: OpenSession): OpenSessionOutcome | null {
  if (before === null) return { kind: "agent_unknown" };
  if (before.revoked) return { kind: "revoked" };
  if (before.reported !== null && hello.highest < before.reported) return { kind: "restored_copy" };
  if (before.fresh && before.ledgerId !== hello.ledgerId)
    return { kind: "in_use", serverId: before.serverId, lastSeenMs: before.silentMs };
  return null;
}

/** Null where something has changed since the look. */
async function open({ valkey, serverId }: StoreContext, hello: OpenSession, before: Look): Promise<Opened | null> {
  const { agentId, ledgerId } = hello;
  const epoch = Math.max(before.epoch, hello.seenEpoch) + 1;
  const known = Math.max(hello.highest, hello.horizon, ...hello.held.map(({ assignNo }) => assignNo));
  const settled = before.runs.map(({ text, state }) => ({
    text,
    state,
    settlement: settle(toRun(state, before.now), hello),
  }));
  const profile = profileFields(hello.profile);
  const [answer, moved = []] = await valkey.run<["again" | "opened", string[]?]>(
    openScript,
    agentId,
    ledgerId,
    hello.bootId,
    serverId,
    epoch,
    known,
    hello.highest,
    before.epoch,
    before.connected,
    before.serverId,
    before.connected === "1" && before.ledgerId !== ledgerId ? before.now : "",
    profile.length,
    ...profile,
    ...settled.flatMap(({ text, state, settlement }) => [state.command_id, text, settlement]),
  );
  if (answer === "again") return null;

  const kept = settled.filter(({ settlement }) => isKept(settlement)).map(({ state }) => toKept(state));
  const idsOf = (...wanted: Settlement[]) =>
    settled.filter(({ settlement }) => wanted.includes(settlement)).map(({ state }) => state.command_id);
  return {
    events: moved.flatMap((text) => {
      const state = parseState(text);
      if (state === null) return [];
      return [{ kind: "state", commandId: state.command_id, status: state.status, revision: state.revision }];
    }),
    outcome: {
      kind: "opened",
      epoch,
      companyId: before.companyId,
      fleet: hello.profile.fleet || before.fleet,
      superseded: before.connected === "1" ? { serverId: before.serverId, epoch: before.epoch } : null,
      kept,
      stop: await toStop(valkey, hello, kept),
      requeued: idsOf("requeue", "retry"),
      lost: idsOf("lose"),
    },
  };
}

/** What runs and isn't kept; not what the store has forgotten to have given out (see `OpenSessionOutcome`). */
async function toStop(
  valkey: Valkey,
  { agentId, held }: OpenSession,
  kept: readonly KeptRun[],
): Promise<HeldCommand[]> {
  const others = held.filter((entry) => entry.state === "running" && !kept.some((run) => isSameRun(entry, run)));
  if (others.length === 0) return [];
  const runs = others.flatMap(({ commandId, attempt }) => [commandId, attempt]);
  const forgotten = new Set(await valkey.run<string[]>(forgottenScript, agentId, ...runs));
  return others.filter(({ commandId }) => !forgotten.has(commandId));
}

function isKept(settlement: Settlement): boolean {
  return settlement === "keep_running" || settlement === "keep_done";
}

function toRun(state: CommandState, now: number): AssignedRun {
  return {
    commandId: state.command_id,
    ledgerId: state.ledger_id ?? "",
    attempt: state.attempt,
    assignNo: state.assign_no ?? 0,
    started: state.started_ms !== undefined,
    cancelRequested: state.cancel_ms !== undefined,
    idempotent: state.idempotent,
    retry: state.retry ?? null,
    expired: state.expires_ms <= now,
  };
}

function toKept(state: CommandState): KeptRun {
  return {
    commandId: state.command_id,
    assignNo: state.assign_no ?? 0,
    attempt: state.attempt,
    lane: state.lane,
    outputEnd: state.output_end ?? 0,
    cancelRequested: state.cancel_ms !== undefined,
  };
}
