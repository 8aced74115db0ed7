import type { StoreContext } from "./context.ts";
import { parseState } from "./record.ts";
import type { Script } from "./script.ts";

/**
 * Ends what is due, oldest first. The server's verdict is final whatever the retry policy says, since nobody knows
 * whether the run goes on.
 *
 * In:  1 at most so many, 2 id and 3 number of the newest entry of the feed that was seen, or ''.
 * Out: {states of what ended, the servers of their agents' open sessions or '', ids whose state couldn't be read, id and
 *      number of the feed's newest entry, how many entries up to the one that was seen are gone though nobody removed them}.
 */
const sweepScript: Script = {
  name: "sweep",
  kind: "settle",
  lua: `
local limit = tonumber(ARGV[1])
local ended, holders, lost = {}, {}, {}
for _, key in ipairs({K.dueQueued(), K.dueAssigned()}) do
  for _, id in ipairs(redis.call('ZRANGEBYSCORE', key, '-inf', now, 'LIMIT', 0, limit - #ended)) do
    local st = load(id)
    if not st then
      lost[#lost + 1] = id
      local raw = giveUp(id)
      if raw then ended[#ended + 1], holders[#ended + 1] = raw, '' end
    elseif isTerminal(st) then redis.call('ZREM', key, id)
    elseif st.status == 'queued' then
      leaveQueue(st)
      st.error, st.error_message = 'expired', 'it was not started before expiresAt'
      ended[#ended + 1] = finish(st, 'expired')
      holders[#ended] = ''
    else
      leaveRun(st)
      if st.started_ms then
        st.error, st.error_message = 'timeout', 'its time was over, and the agent did not say that it ended'
        st.duration_ms = now - st.started_ms
      else st.error, st.error_message = 'start_unknown', 'the agent never said whether it started' end
      ended[#ended + 1] = finish(st, 'timeout')
      holders[#ended] = holderOf(st.agent_id)
    end
  end
end
local newest = redis.call('XREVRANGE', K.feed(), '+', '-', 'COUNT', 1)[1]
local gone, seen, number = 0, ARGV[2], tonumber(ARGV[3])
if seen ~= '' then
  local kept = redis.call('XRANGE', K.feed(), seen, seen)[1]
  local floor = tonumber(redis.call('HGET', K.feedFloor(), 'n') or 0)
  if floor < number and not (kept and tonumber(kept[2][2]) == number) then
    local before = redis.call('XREVRANGE', K.feed(), '(' .. seen, '-', 'COUNT', 1)[1]
    gone = math.max(1, number - (before and tonumber(before[2][2]) or floor))
  end
end
return {ended, holders, lost, newest and newest[1] or '', newest and newest[2][2] or '0', gone}`,
};

type Swept = [states: string[], holders: string[], lost: string[], newest: string, number: string, gone: number];

/** One step holds up all others. */
const perStep = 100;

/** Repeatable. `assignNo` is 0 for what was never assigned. */
export async function sweepDue({ valkey, hub, signals, loss, log }: StoreContext, limit: number) {
  const swept = [];
  const runs = [];
  for (let more = true; more && swept.length < limit;) {
    const wanted = Math.min(perStep, limit - swept.length);
    const { seen } = loss;
    const args = [wanted, seen?.id ?? "", seen?.number ?? ""];
    const [texts, holders, lost, newest, number, gone] = await valkey.run<Swept>(sweepScript, ...args);
    loss.saw({ newest: newest === "" ? null : { id: newest, number: Number(number) }, gone });
    more = texts.length === wanted;
    if (lost.length > 0) {
      log.error(
        { commandIds: lost.slice(0, 10), count: lost.length, code: "state_lost" },
        "commands' states can't be read: they were changed or removed by another program",
      );
    }
    for (const [n, text] of texts.entries()) {
      const state = parseState(text);
      if (state === null) continue;
      const { command_id: commandId, agent_id: agentId, attempt, assign_no: assignNo = 0, status, revision } = state;
      hub.changed([{ kind: "state", commandId, status, revision }]);
      if (status !== "expired" && status !== "timeout") continue;
      swept.push({ commandId, agentId, attempt, assignNo, status });
      if (status === "timeout") runs.push({ commandId, agentId, attempt, assignNo, holder: holders[n] || null });
    }
  }
  signals.stop(runs);
  return swept;
}
