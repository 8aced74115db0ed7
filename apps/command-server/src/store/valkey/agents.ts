import type { JsonObject } from "../../commands/command.ts";
import { cleanJson } from "../text.ts";
import type { StoreContext } from "./context.ts";
import type { Script } from "./script.ts";
import type { Valkey } from "./valkey.ts";

/** For checking a hello; of any company. */
export async function agentKey(valkey: Valkey, agentId: string) {
  const key = valkey.keys.agent(agentId);
  const [publicKey, companyId, revokedAt] = await valkey.command<(string | null)[]>(
    "HMGET",
    key,
    "key",
    "company",
    "revoked_at",
  );
  if (!publicKey || !companyId) return null;
  return { publicKey: Buffer.from(publicKey, "base64"), companyId, revoked: revokedAt !== null };
}

/**
 * Ends the right to connect, and an open session in the same step, so that the holder finds it stale even if no signal
 * comes. In: 1 agent, 2 company. Out: {} when there is no such agent; else {server and epoch of the session that it ended}.
 */
const revokeScript: Script = {
  name: "agent-revoke",
  kind: "settle",
  lua: `
local agent = ARGV[1]
local a = fields(K.agent(agent), 'company', 'revoked_at')
if a.company ~= ARGV[2] then return {} end
if not a.revoked_at then redis.call('HSET', K.agent(agent), 'revoked_at', now) end
local s = sessionOf(agent)
if s.connected ~= '1' then return {'', ''} end
endSession(agent, s, 'revoked')
return {s.server, s.epoch}`,
};

/** Repeatable. False when the company has no such agent. */
export async function revokeAgent(context: StoreContext, companyId: string, agentId: string): Promise<boolean> {
  const { valkey, hub, signals } = context;
  const [holder, epoch] = await valkey.run<[string?, string?]>(revokeScript, agentId, companyId);
  if (holder === undefined) return false;
  if (holder !== "") {
    hub.feedGrew();
    signals.drop({ agentId, holder, epoch: Number(epoch) }, "revoked");
    signals.release(agentId);
  }
  return true;
}

/**
 * Notes an operator's wish, or takes it back. In: 1 agent, 2 company, 3 '1': it is wanted. Out: {} when there is no such
 * agent; else {server of its open session or ''}.
 */
const drainScript: Script = {
  name: "agent-drain",
  kind: "settle",
  lua: `
if redis.call('HGET', K.agent(ARGV[1]), 'company') ~= ARGV[2] then return {} end
if ARGV[3] == '1' then redis.call('HSETNX', K.session(ARGV[1]), 'drain_at', now)
else redis.call('HDEL', K.session(ARGV[1]), 'drain_at') end
return {holderOf(ARGV[1])}`,
};

/** Repeatable. False when the company has no such agent. */
export async function requestDrain(
  { valkey, signals }: StoreContext,
  companyId: string,
  agentId: string,
  wanted: boolean,
): Promise<boolean> {
  const [holder] = await valkey.run<[string?]>(drainScript, agentId, companyId, wanted ? "1" : "0");
  if (holder === undefined) return false;
  if (!wanted) signals.wake([{ agentId, holder: holder || null }]);
  return true;
}

/** In: 1 agent, 2 facts as JSON. */
const factsScript: Script = {
  name: "agent-facts",
  kind: "settle",
  lua: `if redis.call('EXISTS', K.agent(ARGV[1])) == 1 then redis.call('HSET', K.agent(ARGV[1]), 'facts', ARGV[2], 'facts_at', now) end`,
};

/** What FACTS found; the agent's own words. Repeatable. */
export async function putFacts(valkey: Valkey, agentId: string, facts: JsonObject): Promise<void> {
  await valkey.run(factsScript, agentId, cleanJson(facts));
}

/** Agents online by fleet. */
export async function onlineByFleet(valkey: Valkey): Promise<Map<string, number>> {
  const flat = await valkey.command<string[]>("HGETALL", valkey.keys.online());
  const counts = new Map<string, number>();
  for (let n = 0; n < flat.length; n += 2) counts.set(flat[n] ?? "", Number(flat[n + 1]));
  return counts;
}
