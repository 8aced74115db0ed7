import type { Script } from "../script.ts";
import type { Valkey } from "../valkey.ts";

/** In: 1 a server, 2 for how long, ms. Out: 1 where it leads from now on for that time. */
const leadScript: Script = {
  name: "foreign-lead",
  kind: "settle",
  lua: `
local leader = redis.call('GET', K.foreignLeader())
if leader and leader ~= ARGV[1] then return 0 end
redis.call('SET', K.foreignLeader(), ARGV[1], 'PX', ARGV[2])
return 1`,
};

/** In: 1 a server. Gives up what it leads. */
const resignScript: Script = {
  name: "foreign-resign",
  kind: "settle",
  lua: `if redis.call('GET', K.foreignLeader()) == ARGV[1] then redis.call('DEL', K.foreignLeader()) end`,
};

/**
 * Which of the servers looks for other programs' commands: one, for `leaseMs` at a time. Two that believe so for a moment
 * do no harm: a command is taken once.
 */
export async function lead(valkey: Valkey, serverId: string, leaseMs: number): Promise<boolean> {
  return (await valkey.run<number>(leadScript, serverId, leaseMs)) === 1;
}

export async function resign(valkey: Valkey, serverId: string): Promise<void> {
  await valkey.run(resignScript, serverId);
}
