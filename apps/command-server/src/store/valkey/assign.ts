import type { AssignOutcome, AssignRequest, StaleSession } from "../command-store.ts";
import type { StoreContext } from "./context.ts";
import { parseRecord, parseState, toAssignment, toChange } from "./record.ts";
import type { Script } from "./script.ts";

/**
 * Fencing and assignment for any number of agents.
 *
 * In:  1 this server; then for each agent: id, epoch, free work slots, free control slots.
 * Out: {'stale', agent, why} for a session that isn't current; {'assigned', state, record, ms left to start, ms it
 *      waited}; {'broken', state} for a command whose record or state was changed by another program: it ended as failed.
 *
 * An agent that an operator drains gets nothing in the work lane. What has expired is left to the sweep.
 */
const assignScript: Script = {
  name: "assign",
  kind: "settle",
  lua: `
local server = ARGV[1]
local out = {}
local function assign(st, s, number)
  st.epoch, st.ledger_id, st.assign_no, st.assigned_ms = tonumber(s.epoch), s.ledger, number, now
  leaveQueue(st)
  move(st, 'assigned')
  enterRun(st, number)
end
for n = 2, #ARGV, 4 do
  local agent, epoch = ARGV[n], ARGV[n + 1]
  local s = sessionOf(agent)
  if not isCurrent(s, epoch, server) then
    out[#out + 1] = {'stale', agent, staleness(s, epoch)}
  else
    local number = tonumber(s.assign_no or 0)
    for _, slots in ipairs({{'control', ARGV[n + 3]}, {'work', s.drain_at and 0 or ARGV[n + 2]}}) do
      local queue, free, skipped = K.queued(agent, slots[1], s.company), tonumber(slots[2]), 0
      while free > 0 do
        local ids = redis.call('ZRANGE', queue, skipped, skipped + free - 1)
        if #ids == 0 then break end
        for _, id in ipairs(ids) do
          local st = load(id)
          if not st or st.status ~= 'queued' or st.agent_id ~= agent then
            redis.call('ZREM', queue, id)
            local raw = not st and giveUp(id, agent)
            if raw then out[#out + 1] = {'broken', raw} end
          elseif st.expires_ms <= now then
            skipped = skipped + 1
          else
            number = number + 1
            assign(st, s, number)
            local record = read(K.record(id))
            if record and redis.sha1hex(record) == st.digest then
              out[#out + 1] = {'assigned', save(st), record, math.max(0, st.expires_ms - now), math.max(0, now - st.queued_ms)}
              free = free - 1
            else
              leaveRun(st)
              st.error, st.error_message = 'record_changed', 'another program changed what was queued'
              out[#out + 1] = {'broken', finish(st, 'failed')}
            end
          end
        end
      end
    end
  end
end
return out`,
};

/**
 * Which of the agents have work that could be assigned.
 * In: 1 this server, then agents. Out: those that it holds and that have queued commands.
 */
const withWorkScript: Script = {
  name: "agents-with-work",
  kind: "read",
  lua: `
local found = {}
for n = 2, #ARGV do
  local s = fields(K.session(ARGV[n]), 'server', 'connected', 'company', 'drain_at')
  if s.server == ARGV[1] and s.connected == '1' and (not s.drain_at and redis.call('ZCARD', K.queued(ARGV[n], 'work', s.company)) > 0
    or redis.call('ZCARD', K.queued(ARGV[n], 'control', s.company)) > 0) then found[#found + 1] = ARGV[n] end
end
return found`,
};

/** In: 1 agent. Out: the states of its assigned commands whose cancel was asked for, in order of assignment. */
const cancelsScript: Script = {
  name: "pending-cancels",
  kind: "read",
  lua: `
local found = {}
for _, id in ipairs(redis.call('ZRANGE', K.assigned(ARGV[1]), 0, -1)) do
  local st, raw = load(id)
  if st and st.cancel_ms then found[#found + 1] = raw end
end
return found`,
};

type Answer =
  ["stale", string, StaleSession["why"]] | ["assigned", string, string, number, number] | ["broken", string];

/** One step holds up all others: larger requests go in slices. */
const agentsPerStep = 50;

/**
 * Not repeatable blindly: after `store_unavailable` commands may be assigned that nobody sends. The caller closes the
 * sessions concerned, so that their reconciliation puts them back.
 */
export async function assignCommands(
  context: StoreContext,
  requests: readonly AssignRequest[],
): Promise<AssignOutcome> {
  const byAgent = [...new Map(requests.map((request) => [request.agentId, request])).values()];
  const slices = [];
  for (let from = 0; from < byAgent.length; from += agentsPerStep)
    slices.push(assignSlice(context, byAgent.slice(from, from + agentsPerStep)));
  const outcomes = await Promise.all(slices);
  return {
    assignments: outcomes.flatMap(({ assignments }) => assignments),
    stale: outcomes.flatMap(({ stale }) => stale),
  };
}

async function assignSlice(context: StoreContext, requests: readonly AssignRequest[]): Promise<AssignOutcome> {
  const { valkey, serverId, hub, signals, log } = context;
  const args = requests.flatMap(({ agentId, epoch, work, control }) => [
    agentId,
    epoch,
    Math.max(0, work),
    Math.max(0, control),
  ]);
  const answers = await valkey.run<Answer[]>(assignScript, serverId, ...args);
  const outcome: AssignOutcome = { assignments: [], stale: [] };
  for (const answer of answers) {
    if (answer[0] === "stale") {
      outcome.stale.push({ agentId: answer[1], why: answer[2] });
      signals.release(answer[1]);
      continue;
    }
    const state = parseState(answer[1]);
    if (state === null) continue;
    const { command_id: commandId, status, revision } = state;
    hub.changed([{ kind: "state", commandId, status, revision, change: toChange(state) }]);
    const record = answer[0] === "assigned" ? parseRecord(answer[2]) : null;
    if (answer[0] === "assigned" && record !== null)
      outcome.assignments.push(toAssignment(state, record, { startWindowMs: answer[3], waitedMs: answer[4] }));
    else
      log.warn(
        { commandId, agentId: state.agent_id, code: state.error },
        "command failed: another program changed its record or its state",
      );
  }
  return outcome;
}

const agentsPerLook = 250;

/** The safety net under lost wake-ups; of this server's open sessions alone. */
export async function agentsWithWork(
  { valkey, serverId }: StoreContext,
  agentIds: readonly string[],
): Promise<string[]> {
  const found: string[] = [];
  for (let from = 0; from < agentIds.length; from += agentsPerLook)
    found.push(
      ...(await valkey.run<string[]>(withWorkScript, serverId, ...agentIds.slice(from, from + agentsPerLook))),
    );
  return found;
}

export async function pendingCancels({ valkey }: StoreContext, agentId: string) {
  const texts = await valkey.run<string[]>(cancelsScript, agentId);
  return texts.flatMap((text) => {
    const state = parseState(text);
    return state === null
      ? []
      : [{ commandId: state.command_id, attempt: state.attempt, assignNo: state.assign_no ?? 0 }];
  });
}
