import { cancelledByRollout } from "../../../rollouts/rollout.ts";
import type { StopRolloutOutcome } from "../../command-store.ts";
import { cancelCommand } from "../cancel.ts";
import type { StoreContext } from "../context.ts";
import { parseState } from "../record.ts";
import type { Script } from "../script.ts";
import { readRollouts } from "./rollout-record.ts";

const commandsPerStep = 200;

/**
 * Ends what is queued of a rollout.
 * In:  1 rollout, 2 error, 3 its words. Out: the states, at most ${commandsPerStep}.
 */
const cancelScript: Script = {
  name: "rollout-cancel",
  kind: "settle",
  lua: `
local ended = {}
for _, id in ipairs(redis.call('SRANDMEMBER', K.rolloutIn(ARGV[1], 'queued'), ${commandsPerStep})) do
  local st = load(id)
  if st and st.status == 'queued' then
    st.cancel_ms = st.cancel_ms or now
    st.error, st.error_message = ARGV[2], ARGV[3]
    leaveQueue(st)
    ended[#ended + 1] = finish(st, 'cancelled')
  else redis.call('SREM', K.rolloutIn(ARGV[1], 'queued'), id) end
end
return ended`,
};

/** In: 1 rollout, 2 company. Nothing is queued after this. Out: 1 where it ran, 0 where it had ended, -1 where there is none. */
const stopScript: Script = {
  name: "rollout-stop",
  kind: "settle",
  lua: `
local r = fields(K.rollout(ARGV[1]), 'company', 'status')
if r.company ~= ARGV[2] then return -1 end
if r.status ~= 'running' then return 0 end
redis.call('HSET', K.rollout(ARGV[1]), 'status', 'stopped', 'finished', now)
return 1`,
};

const words = {
  [cancelledByRollout.halted]: "its rollout had too many errors",
  [cancelledByRollout.stopped]: "its rollout was stopped",
};

/** How many it ended. */
export async function cancelQueued(
  { valkey, hub }: StoreContext,
  rolloutId: string,
  error: keyof typeof words,
): Promise<number> {
  for (let cancelled = 0; ;) {
    const texts = await valkey.run<string[]>(cancelScript, rolloutId, error, words[error]);
    for (const text of texts) {
      const state = parseState(text);
      if (state === null) continue;
      hub.changed([{ kind: "state", commandId: state.command_id, status: "cancelled", revision: state.revision }]);
    }
    cancelled += texts.length;
    if (texts.length < commandsPerStep) return cancelled;
  }
}

/** Repeatable: it is then `already_ended`. */
export async function stopRollout(
  context: StoreContext,
  companyId: string,
  rolloutId: string,
  { cancelRunning }: { cancelRunning: boolean },
): Promise<StopRolloutOutcome> {
  const { valkey } = context;
  const ran = await valkey.run<number>(stopScript, rolloutId, companyId);
  if (ran < 0) return { kind: "not_found" };
  const cancelled = ran === 1 ? await cancelQueued(context, rolloutId, cancelledByRollout.stopped) : 0;
  const cancelRequested = cancelRunning ? await askRunning(context, companyId, rolloutId) : 0;
  const [rollout] = await readRollouts(valkey, [rolloutId]);
  if (!rollout) return { kind: "not_found" };
  return ran === 1
    ? { kind: "stopped", rollout, cancelled, cancelRequested }
    : { kind: "already_ended", rollout, cancelRequested };
}

/** How many were asked to end. */
async function askRunning(context: StoreContext, companyId: string, rolloutId: string): Promise<number> {
  const { valkey } = context;
  const ids = await valkey.command<string[]>("SMEMBERS", valkey.keys.rolloutIn(rolloutId, "assigned"));
  let asked = 0;
  for (let from = 0; from < ids.length; from += commandsPerStep) {
    const slice = ids.slice(from, from + commandsPerStep);
    const outcomes = await Promise.all(slice.map((id) => cancelCommand(context, companyId, id)));
    asked += outcomes.filter(({ kind }) => kind === "requested").length;
  }
  return asked;
}
