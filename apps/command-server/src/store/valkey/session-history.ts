import { keptSessions, type SessionRecord } from "../command-store.ts";
import { reasonOf } from "./read-agents.ts";
import type { Script } from "./script.ts";
import type { Valkey } from "./valkey.ts";

/**
 * In:  1 agent, 2 company.
 * Out: {} when the company has no such agent; else {now, '1' where a session is open, its epoch, server and when it was
 *      opened, then the ended ones as JSON, newest first}.
 */
const readScript: Script = {
  name: "session-history",
  kind: "read",
  lua: `
local agent = ARGV[1]
if redis.call('HGET', K.agent(agent), 'company') ~= ARGV[2] then return {} end
local s = sessionOf(agent)
return {now, s.connected or '0', s.epoch or '0', s.server or '', s.connected_at or '0', redis.call('LRANGE', K.sessions(agent), 0, -1)}`,
};

interface EndedSession {
  epoch: number;
  server: string;
  connected: number;
  disconnected: number;
  reason: string;
  detail?: string;
}

type Answer = [now: number, connected: string, epoch: string, server: string, connectedAt: string, ended: string[]];

/** Newest first; null when the company has no such agent. */
export async function agentSessions(
  valkey: Valkey,
  companyId: string,
  agentId: string,
  o: { limit: number; ttlMs: number },
): Promise<SessionRecord[] | null> {
  const answer = await valkey.run<Answer | []>(readScript, agentId, companyId);
  if (answer.length === 0) return null;
  const [now, connected, epoch, serverId, connectedAt, texts] = answer;
  const open: SessionRecord = {
    epoch: Number(epoch),
    serverId,
    connectedAt: new Date(Number(connectedAt)),
    disconnectedAt: null,
    reason: null,
    detail: null,
  };
  // oxlint-disable-next-line typescript/no-unsafe-type-assertion -- written by `endSession` alone
  const ended = texts
    .map((text) => JSON.parse(text) as EndedSession)
    .filter((each) => each.disconnected > now - o.ttlMs);
  const sessions = [...(connected === "1" ? [open] : []), ...ended.map(toRecord)];
  return sessions.slice(0, Math.min(o.limit, keptSessions));
}

function toRecord({ epoch, server, connected, disconnected, reason, detail }: EndedSession): SessionRecord {
  const times = { connectedAt: new Date(connected), disconnectedAt: new Date(disconnected) };
  return { epoch, serverId: server, ...times, reason: reasonOf(reason), detail: detail ?? null };
}
