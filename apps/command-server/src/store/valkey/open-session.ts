import type { HeldCommand, KeptRun, OpenSession, OpenSessionOutcome, WatchEvent } from "../command-store.ts";
import { unavailable } from "../errors.ts";
import { isSameRun, settle, type AssignedRun, type Settlement } from "../reconcile.ts";
import type { StoreContext } from "./context.ts";
import { profileFields } from "./profile.ts";
import { parseState, type CommandState } from "./record.ts";
import type { Script } from "./script.ts";
import type { Valkey } from "./valkey.ts";

/**
 * Everything that decides about a hello.
 *
 * In:  1 agent, 2 ledger.
 * Out: {} for an agent that isn't enrolled; else {company, '1' where it is revoked, fleet, largest number that the ledger
 *      reported or '', epoch, '1' where a session is open, its ledger, its server, ms since it was heard of, '1' while
 *      neither it nor its server has been silent for too long, now, then the states of its assigned commands}.
 */
const lookScript: Script = {
  name: "session-look",
  kind: "read",
  lua: `
local agent, ledger = ARGV[1], ARGV[2]
local a = fields(K.agent(agent), 'company', 'fleet', 'revoked_at')
if not a.company then return {} end
local s = sessionOf(agent)
local silent = now - tonumber(s.seen or 0)
local server = s.server and tonumber(redis.call('ZSCORE', K.servers(), s.server) or 0) or 0
local fresh = s.connected == '1' and math.max(silent, now - server) < HOLDER_TIMEOUT
local out = {a.company, a.revoked_at and '1' or '0', a.fleet or '', redis.call('HGET', K.ledgers(agent), ledger) or '',
  s.epoch or '0', s.connected or '0', s.ledger or '', s.server or '', silent, fresh and '1' or '0', now}
for _, id in ipairs(redis.call('ZRANGE', K.assigned(agent), 0, -1)) do
  local st, raw = load(id)
  if st then out[#out + 1] = raw end
end
return out`,
};

/** Ledgers that are remembered of one agent, beside the one that speaks. */
const pastLedgers = 8;

/**
 * The new session: fences the one before, and settles the agent's runs as was decided, if nothing has changed since the
 * look that it was decided by.
 *
 * In:  1 agent, 2 ledger, 3 boot id, 4 server, 5 epoch, 6 largest number that the hello knows of, 7 the largest that its
 *      ledger has recorded, 8–10 epoch, connected, server as they were looked at, 11 now of that look, where the session must not have been heard
 *      of since, or '', 12 how many profile fields and values follow, these; then for each run: id, state as it was looked at, settlement.
 * Out: {'again'}, or {'opened', states of the runs that moved}.
 *
 * The counter never falls behind: a store that forgot would give a number twice. An agent's oldest ledgers are forgotten:
 * their runs were settled when the next one spoke, so that a copy of one has nothing to run again.
 */
const openScript: Script = {
  name: "session-open",
  kind: "settle",
  lua: `
local agent, ledger, boot, server, epoch, known, highest = unpack(ARGV, 1, 7)
local s = sessionOf(agent)
if (s.epoch or '0') ~= ARGV[8] or (s.connected or '0') ~= ARGV[9] or (s.server or '') ~= ARGV[10] then return {'again'} end
if ARGV[11] ~= '' and tonumber(s.seen or 0) > tonumber(ARGV[11]) then return {'again'} end
local a = fields(K.agent(agent), 'company', 'fleet', 'revoked_at')
if not a.company or a.revoked_at then return {'again'} end
local first = 13 + tonumber(ARGV[12])
local runs = (#ARGV - first + 1) / 3
if redis.call('ZCARD', K.assigned(agent)) ~= runs then return {'again'} end
for n = first, #ARGV, 3 do
  if read(K.state(ARGV[n])) ~= ARGV[n + 1] then return {'again'} end
end

if s.connected == '1' then endSession(agent, s, 'superseded') end
redis.call('HSET', K.agent(agent), unpack(ARGV, 13, first - 1))
local fleet = redis.call('HGET', K.agent(agent), 'fleet')
redis.call('HSET', K.session(agent), 'company', a.company, 'fleet', fleet, 'epoch', epoch, 'ledger', ledger, 'boot', boot, 'server', server,
  'connected', '1', 'assign_no', math.max(tonumber(s.assign_no or 0), tonumber(known)), 'seen', now, 'connected_at', now)
redis.call('HDEL', K.session(agent), 'disconnected_at', 'reason', 'detail')
redis.call('SADD', K.held(server), agent)
countOnline(fleet, 1)
feedAgent('agent.connected', a.company, agent, epoch, server, nil)

redis.call('HSETNX', K.ledgers(agent), ledger, highest)
note(agent, ledger, highest, '1')
redis.call('ZADD', K.ledgersSeen(agent), 'NX', now, ledger)
for _, old in ipairs(redis.call('ZREVRANGE', K.ledgersSeen(agent), ${pastLedgers + 1}, -1)) do
  if old ~= ledger then
    redis.call('ZREM', K.ledgersSeen(agent), old)
    redis.call('HDEL', K.ledgers(agent), old)
  end
end

local moved = {}
for n = first, #ARGV, 3 do
  local st, what = cjson.decode(ARGV[n + 1]), ARGV[n + 2]
  if what == 'keep_running' or what == 'keep_done' then
    local limit = now + st.timeout_ms + TIMEOUT_GRACE
    -- What bounded a run that hadn't started is its start window: hours, mostly.
    if not st.started_ms then due(st, limit)
    elseif what == 'keep_done' then
      due(st, math.max(tonumber(redis.call('ZSCORE', K.dueAssigned(), st.command_id) or 0), limit))
    end
    if what == 'keep_running' then st.started_ms = st.started_ms or now end
    st.epoch = tonumber(epoch)
    save(st)
  elseif what == 'requeue' or what == 'retry' then
    moved[#moved + 1] = requeue(st, what == 'retry')
  elseif what == 'cancel' then
    leaveRun(st)
    st.assigned_ms, st.started_ms, st.error, st.answered = nil, nil, 'cancelled', true
    moved[#moved + 1] = finish(st, 'cancelled')
  else
    leaveRun(st)
    st.error, st.error_message = 'ledger_lost', 'the agent lost its record of this command: it may have run'
    moved[#moved + 1] = finish(st, 'failed')
  end
end
return {'opened', moved}`,
};

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

/**
 * In:  1 agent, then command and attempt of runs that it has.
 * Out: those whose command waits in the queue for it as the same attempt: the store has forgotten that it gave them out.
 */
const forgottenScript: Script = {
  name: "session-forgotten",
  kind: "read",
  lua: `
local found = {}
for n = 2, #ARGV, 2 do
  local st = load(ARGV[n])
  if st and st.agent_id == ARGV[1] and st.status == 'queued' and st.attempt == tonumber(ARGV[n + 1]) then
    found[#found + 1] = ARGV[n]
  end
end
return found`,
};

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
