import type { StoreContext } from "./context.ts";
import { parseState } from "./record.ts";
import type { Script } from "./script.ts";

/**
 * Ends what is due, oldest first. The server's verdict is final whatever the retry policy says, since nobody knows
 * whether the run goes on.
 *
 * In:  1 at most so many.
 * Out: {states of what ended, the servers of their agents' open sessions or '', ids whose state can't be read: taken out
 *      of the index, the feed's counter}.
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
    if not st or isTerminal(st) then
      redis.call('ZREM', key, id)
      lost[#lost + 1] = id
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
return {ended, holders, lost, tonumber(redis.call('GET', K.feedNumber()) or 0)}`,
};

type Swept = [states: string[], holders: string[], lost: string[], number: number];

/** One step holds up all others. */
const perStep = 100;

/** Repeatable. `assignNo` is 0 for what was never assigned. */
export async function sweepDue({ valkey, hub, signals, loss, log }: StoreContext, limit: number) {
  const swept = [];
  const runs = [];
  for (let more = true; more && swept.length < limit;) {
    const wanted = Math.min(perStep, limit - swept.length);
    const [texts, holders, lost, number] = await valkey.run<Swept>(sweepScript, wanted);
    loss.saw(number);
    more = texts.length === wanted;
    if (lost.length > 0) {
      log.error(
        { commandIds: lost.slice(0, 10), count: lost.length, code: "state_lost" },
        "commands' states can't be read: they were changed or removed by another program",
      );
    }
    for (const [n, text] of texts.entries()) {
      const state = parseState(text);
      if (state === null || (state.status !== "expired" && state.status !== "timeout")) continue;
      const { command_id: commandId, agent_id: agentId, attempt, assign_no: assignNo = 0, status, revision } = state;
      hub.changed([{ kind: "state", commandId, status, revision }]);
      swept.push({ commandId, agentId, attempt, assignNo, status });
      if (status === "timeout") runs.push({ commandId, agentId, attempt, assignNo, holder: holders[n] || null });
    }
  }
  signals.stop(runs);
  return swept;
}
