import { keptSessions } from "../../port/sessions.ts";

/** Lua for agents and their sessions. A session `s` is the hash's fields as text; `connected` is '1' while it is open. */
export const agentParts = {
  sessionOf: `
local function sessionOf(agent)
  return fields(K.session(agent), 'epoch', 'server', 'connected', 'ledger', 'company', 'assign_no', 'seen', 'fleet', 'connected_at', 'drain_at')
end`,

  /** Why a session that was asked about isn't current. */
  staleness: `
local function staleness(s, epoch) return tonumber(s.epoch or 0) > tonumber(epoch) and 'superseded' or 'session_lost' end`,

  isCurrent: `
local function isCurrent(s, epoch, server) return s.epoch == epoch and s.server == server and s.connected == '1' end`,

  countOnline: `
local function countOnline(fleet, by)
  if redis.call('HINCRBY', K.online(), fleet, by) <= 0 then redis.call('HDEL', K.online(), fleet) end
end`,

  feedAgent: `
local function feedAgent(kind, company, agent, epoch, server, reason)
  feed(kind, company, agent, '', '', '{"epoch":' .. epoch .. ',"serverId":' .. json(server) .. ',"reason":' .. json(reason) .. '}')
end`,

  /** Ends an open session and keeps it in the agent's history; its commands stay assigned until the agent comes back or their time is over. */
  endSession: `
local function endSession(agent, s, reason, detail)
  redis.call('SREM', K.held(s.server), agent)
  redis.call('HSET', K.session(agent), 'connected', '0', 'disconnected_at', now, 'reason', reason)
  redis.call('HDEL', K.session(agent), 'detail', 'running', 'load1', 'free')
  if detail then redis.call('HSET', K.session(agent), 'detail', detail) end
  redis.call('LPUSH', K.sessions(agent), cjson.encode({ epoch = tonumber(s.epoch), server = s.server,
    connected = tonumber(s.connected_at), disconnected = now, reason = reason, detail = detail }))
  redis.call('LTRIM', K.sessions(agent), 0, ${keptSessions - 1})
  redis.call('PEXPIRE', K.sessions(agent), SESSION_TTL)
  countOnline(s.fleet, -1)
  feedAgent('agent.disconnected', s.company, agent, s.epoch, s.server, reason)
end`,
};
