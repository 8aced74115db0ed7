import type { EnrolOutcome, JoinToken, NewJoinToken } from "../command-store.ts";
import { cleanText } from "../text.ts";
import type { Script } from "./script.ts";
import type { Valkey } from "./valkey.ts";

const listedTokens = 1000;
/** Tokens are listed for this long after they are of no use. */
const tokenKeepMs = 24 * 3600 * 1000;

/**
 * In:  1 token id, 2 company, 3 its hash, 4 fleet, 5 agent or '', 6 uses, 7 time to live in ms, 8 who made it.
 * Out: {created, expires}, in ms.
 */
const createScript: Script = {
  name: "join-token-create",
  kind: "intake",
  lua: `
local id, company, hash, fleet, agent, uses, ttl, by = unpack(ARGV)
local expires = now + tonumber(ttl)
redis.call('HSET', K.token(hash), 'id', id, 'company', company, 'fleet', fleet, 'agent', agent, 'uses_left', uses, 'created_by', by,
  'created_at', now, 'expires_at', expires)
redis.call('PEXPIREAT', K.token(hash), expires + ${tokenKeepMs})
-- Some of those that are gone make room, so that making tokens alone doesn't fill the list.
local some = redis.call('HRANDFIELD', K.tokens(company), 10, 'WITHVALUES')
for n = 1, #some, 2 do
  if redis.call('EXISTS', K.token(some[n + 1])) == 0 then redis.call('HDEL', K.tokens(company), some[n]) end
end
redis.call('HSET', K.tokens(company), id, hash)
return {now, expires}`,
};

/** In: 1 company. Out: for each of its tokens id, fleet, agent, uses left, created, expires, revoked or ''. Forgets those that are gone. */
const listScript: Script = {
  name: "join-token-list",
  kind: "settle",
  lua: `
local listed = {}
local all = redis.call('HGETALL', K.tokens(ARGV[1]))
for n = 1, #all, 2 do
  local t = fields(K.token(all[n + 1]), 'fleet', 'agent', 'uses_left', 'created_at', 'expires_at', 'revoked_at')
  if t.fleet then
    listed[#listed + 1] = {all[n], t.fleet, t.agent, t.uses_left, t.created_at, t.expires_at, t.revoked_at or ''}
  else redis.call('HDEL', K.tokens(ARGV[1]), all[n]) end
end
return listed`,
};

/** In: 1 company, 2 token id. Out: 1 where it is the company's. */
const revokeScript: Script = {
  name: "join-token-revoke",
  kind: "settle",
  lua: `
local hash = redis.call('HGET', K.tokens(ARGV[1]), ARGV[2])
if not hash or redis.call('EXISTS', K.token(hash)) == 0 then return 0 end
redis.call('HSETNX', K.token(hash), 'revoked_at', now)
redis.call('PEXPIRE', K.token(hash), ${tokenKeepMs})
return 1`,
};

/**
 * Spends one use of a token and binds the id to the key.
 *
 * In:  1 agent, 2 the token's hash, 3 public key in base64, 4 host name.
 * Out: {'enrolled', company, fleet}, {'token_invalid'} or {'id_taken'}.
 *
 * The same key again is no error and costs no use, also when the token is used up by now; it has to be a token of the
 * agent's company all the same, so that a public key alone tells nothing about its owner.
 */
const enrolScript: Script = {
  name: "enrol",
  kind: "intake",
  lua: `
local agent, hash, key, hostname = unpack(ARGV)
local t = fields(K.token(hash), 'company', 'fleet', 'agent', 'uses_left', 'expires_at', 'revoked_at')
if not t.company or t.agent ~= '' and t.agent and t.agent ~= agent then return {'token_invalid'} end
local a = fields(K.agent(agent), 'company', 'key', 'fleet', 'revoked_at')
local ours = a.company == t.company
if ours and a.key == key and not a.revoked_at then return {'enrolled', a.company, a.fleet or t.fleet} end
if t.revoked_at or tonumber(t.expires_at) <= now or tonumber(t.uses_left) <= 0 then return {'token_invalid'} end
if a.company and not (a.revoked_at and ours) then return {'id_taken'} end
if redis.call('HINCRBY', K.token(hash), 'uses_left', -1) == 0 then redis.call('PEXPIRE', K.token(hash), ${tokenKeepMs}) end
redis.call('HSET', K.agent(agent), 'company', t.company, 'key', key, 'fleet', t.fleet or '', 'hostname', hostname, 'enrolled_at', now)
redis.call('HDEL', K.agent(agent), 'revoked_at')
redis.call('HSETNX', K.session(agent), 'epoch', 0)
redis.call('HSET', K.session(agent), 'company', t.company)
redis.call('ZADD', K.agents(t.company), 0, agent)
return {'enrolled', t.company, t.fleet or ''}`,
};

export async function createJoinToken(valkey: Valkey, token: NewJoinToken): Promise<JoinToken> {
  const { tokenId, companyId, tokenHash, fleet, agentId, uses, ttlMs, createdBy } = token;
  const args = [tokenId, companyId, tokenHash, fleet, agentId ?? "", uses, ttlMs, createdBy];
  const [created, expires] = await valkey.run<[number, number]>(createScript, ...args);
  const times = { createdAt: new Date(created), expiresAt: new Date(expires), revokedAt: null };
  return { tokenId, fleet, agentId, usesLeft: uses, ...times };
}

/** Newest first; those that can't be used any more too, for a day. */
export async function listJoinTokens(valkey: Valkey, companyId: string): Promise<JoinToken[]> {
  const rows = await valkey.run<string[][]>(listScript, companyId);
  const tokens = rows.map(([tokenId = "", fleet = "", agentId, usesLeft, createdAt, expiresAt, revokedAt]) => ({
    tokenId,
    fleet,
    agentId: agentId || null,
    usesLeft: Number(usesLeft),
    createdAt: new Date(Number(createdAt)),
    expiresAt: new Date(Number(expiresAt)),
    revokedAt: revokedAt ? new Date(Number(revokedAt)) : null,
  }));
  return tokens.toSorted((a, b) => (a.tokenId < b.tokenId ? 1 : -1)).slice(0, listedTokens);
}

/** Repeatable. False when the company has no such token. */
export async function revokeJoinToken(valkey: Valkey, companyId: string, tokenId: string): Promise<boolean> {
  return (await valkey.run<number>(revokeScript, companyId, tokenId)) === 1;
}

/** Repeatable. */
export async function enrol(
  valkey: Valkey,
  request: { agentId: string; tokenHash: string; publicKey: Buffer; hostname: string },
): Promise<EnrolOutcome> {
  const { agentId, tokenHash, publicKey, hostname } = request;
  const args = [agentId, tokenHash, publicKey.toString("base64"), cleanText(hostname)];
  const [kind, companyId = "", fleet = ""] = await valkey.run<[EnrolOutcome["kind"], string?, string?]>(
    enrolScript,
    ...args,
  );
  return kind === "enrolled" ? { kind, companyId, fleet } : { kind };
}
