import type { AgentProfile, DisconnectReason, SessionHeartbeat, StaleSession } from "../command-store.ts";
import { cleanText } from "../text.ts";
import type { StoreContext } from "./context.ts";
import { profileFields } from "./profile.ts";
import type { Script } from "./script.ts";

/**
 * In:  1 this server; then for each agent: id, epoch, running, load, free memory.
 * Out: agent and why, for each session that isn't current.
 */
const heartbeatScript: Script = {
  name: "heartbeat",
  kind: "settle",
  lua: `
local stale = {}
for n = 2, #ARGV, 5 do
  local agent, epoch = ARGV[n], ARGV[n + 1]
  local s = fields(K.session(agent), 'epoch', 'server', 'connected')
  if isCurrent(s, epoch, ARGV[1]) then
    redis.call('HSET', K.session(agent), 'seen', now, 'running', ARGV[n + 2], 'load1', ARGV[n + 3], 'free', ARGV[n + 4])
  else
    stale[#stale + 1] = agent
    stale[#stale + 1] = staleness(s, epoch)
  end
end
return stale`,
};

/** In: 1 agent, 2 epoch, 3 this server, 4 reason, 5 detail or ''. Out: 1 where it was the current session. */
const closeScript: Script = {
  name: "session-close",
  kind: "settle",
  lua: `
local agent, epoch, server, reason, detail = unpack(ARGV)
local s = sessionOf(agent)
if not isCurrent(s, epoch, server) then return 0 end
endSession(agent, s, reason, detail ~= '' and detail or nil)
return 1`,
};

/** In: 1 agent, 2 epoch, 3 this server, then fields and values. No effect when the session isn't current. */
const profileScript: Script = {
  name: "profile-update",
  kind: "settle",
  lua: `
local agent = ARGV[1]
local s = sessionOf(agent)
if not isCurrent(s, ARGV[2], ARGV[3]) then return 0 end
redis.call('HSET', K.agent(agent), unpack(ARGV, 4))
local fleet = redis.call('HGET', K.agent(agent), 'fleet')
if fleet ~= s.fleet then
  countOnline(s.fleet, -1)
  countOnline(fleet, 1)
  redis.call('HSET', K.session(agent), 'fleet', fleet)
end
return 1`,
};

/** One step holds up all others. */
const beatsPerStep = 200;

/** Repeatable. Resolves to the sessions that aren't current any more, in the order of `beats`. */
export async function heartbeat(
  { valkey, serverId, signals }: StoreContext,
  beats: readonly SessionHeartbeat[],
): Promise<StaleSession[]> {
  const stale: StaleSession[] = [];
  for (let from = 0; from < beats.length; from += beatsPerStep) {
    const args = beats
      .slice(from, from + beatsPerStep)
      .flatMap(({ agentId, epoch, running, load1, freeMemoryBytes }) => [
        agentId,
        epoch,
        running,
        load1,
        freeMemoryBytes,
      ]);
    const answer = await valkey.run<string[]>(heartbeatScript, serverId, ...args);
    for (let n = 0; n < answer.length; n += 2) {
      const agentId = answer[n] ?? "";
      stale.push({ agentId, why: answer[n + 1] === "superseded" ? "superseded" : "session_lost" });
      signals.release(agentId);
    }
  }
  return stale;
}

/** No effect when the session isn't current. Repeatable. */
export async function updateProfile(
  { valkey, serverId }: StoreContext,
  agentId: string,
  epoch: number,
  profile: AgentProfile,
): Promise<void> {
  await valkey.run(profileScript, agentId, epoch, serverId, ...profileFields(profile));
}

/** Repeatable; its commands stay assigned until the agent comes back or their time is over. */
export async function closeSession(
  { valkey, serverId, signals, hub }: StoreContext,
  agentId: string,
  epoch: number,
  reason: DisconnectReason,
  detail: string | null,
): Promise<void> {
  const words = detail === null ? "" : cleanText(detail);
  if ((await valkey.run<number>(closeScript, agentId, epoch, serverId, reason, words)) === 0) return;
  signals.release(agentId);
  hub.feedGrew();
}
