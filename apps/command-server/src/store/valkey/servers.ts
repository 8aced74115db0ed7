import type { StoreContext } from "./context.ts";
import type { Script } from "./script.ts";

const sessionsPerStep = 200;

/**
 * In:  1 a server, 2 '1': only while it has been silent for too long, 3 '1': forget it when it holds nothing more.
 * Out: how many of its sessions were ended as 'server_lost', at most ${sessionsPerStep}.
 */
const closeSessionsScript: Script = {
  name: "sessions-lost",
  kind: "settle",
  lua: `
local server = ARGV[1]
if ARGV[2] == '1' and tonumber(redis.call('ZSCORE', K.servers(), server) or 0) > now - HOLDER_TIMEOUT then return 0 end
local agents = redis.call('SRANDMEMBER', K.held(server), ${sessionsPerStep})
for _, agent in ipairs(agents) do
  local s = sessionOf(agent)
  if s.connected == '1' and s.server == server then endSession(agent, s, 'server_lost')
  else redis.call('SREM', K.held(server), agent) end
end
if ARGV[3] == '1' and redis.call('SCARD', K.held(server)) == 0 then redis.call('ZREM', K.servers(), server) end
return #agents`,
};

/** Says that this server (1) lives. Out: the servers that have been silent for too long. */
const aliveScript: Script = {
  name: "server-alive",
  kind: "settle",
  lua: `
redis.call('ZADD', K.servers(), now, ARGV[1])
return redis.call('ZRANGEBYSCORE', K.servers(), '-inf', now - HOLDER_TIMEOUT)`,
};

/** A process that starts holds nothing: what is open under its id is from a former life. */
export async function beginServer(context: StoreContext): Promise<void> {
  const { valkey, serverId } = context;
  await valkey.run(aliveScript, serverId);
  await endSessionsOf(context, serverId, false);
}

/** Says that this server lives, and ends the sessions of those that don't. Repeatable. */
export async function serverHeartbeat(context: StoreContext): Promise<void> {
  const { valkey, serverId, log } = context;
  const silent = await valkey.run<string[]>(aliveScript, serverId);
  for (const lost of silent.filter((id) => id !== serverId)) {
    const closed = await endSessionsOf(context, lost, true);
    if (closed > 0) log.warn({ servers: [lost], sessions: closed }, "closed the sessions of lost servers");
  }
}

async function endSessionsOf({ valkey, hub }: StoreContext, server: string, lost: boolean): Promise<number> {
  const flag = lost ? "1" : "0";
  for (let closed = 0; ;) {
    const count = await valkey.run<number>(closeSessionsScript, server, flag, flag);
    closed += count;
    if (count > 0) hub.feedGrew();
    if (count < sessionsPerStep) return closed;
  }
}
