import type { Script } from "./script.ts";

/**
 * Everything that decides about a hello.
 *
 * In:  1 agent, 2 ledger.
 * Out: {} for an agent that isn't enrolled; else {company, '1' where it is revoked, fleet, largest number that the ledger
 *      reported or '', epoch, '1' where a session is open, its ledger, its server, ms since it was heard of, '1' while
 *      neither it nor its server has been silent for too long, now, then the states of its assigned commands}.
 */
export const lookScript: Script = {
  name: "session-look",
  kind: "read",
  lua: `
local agent, ledger = ARGV[1], ARGV[2]
local a = fields(K.agent(agent), 'company', 'fleet', 'revoked_at')
if not a.company then return {} end
local s = sessionOf(agent)
local silent = now - tonumber(s.seen or 0)
local server = s.server and tonumber(redis.call('ZSCORE', K.servers(), s.server) or 0) or 0
local fresh = s.connected == '1' and math.max(silent, now - server) < HOLDER_TIMEOUT
local out = {a.company, a.revoked_at and '1' or '0', a.fleet or '', redis.call('HGET', K.ledgers(agent), ledger) or '',
  s.epoch or '0', s.connected or '0', s.ledger or '', s.server or '', silent, fresh and '1' or '0', now}
for _, id in ipairs(redis.call('ZRANGE', K.assigned(agent), 0, -1)) do
  local st, raw = load(id)
  if st then out[#out + 1] = raw end
end
return out`,
};

/** Ledgers that are remembered of one agent, beside the one that speaks. */
const pastLedgers = 8;

/**
 * The new session: fences the one before, and settles the agent's runs as was decided, if nothing has changed since the
 * look that it was decided by.
 *
 * In:  1 agent, 2 ledger, 3 boot id, 4 server, 5 epoch, 6 largest number that the hello knows of, 7 the largest that its
 *      ledger has recorded, 8–10 epoch, connected, server as they were looked at, 11 now of that look, where the session must not have been heard
 *      of since, or '', 12 how many profile fields and values follow, these; then for each run: id, state as it was looked at, settlement.
 * Out: {'again'}, or {'opened', states of the runs that moved}.
 *
 * The counter never falls behind: a store that forgot would give a number twice. An agent's oldest ledgers are forgotten:
 * their runs were settled when the next one spoke, so that a copy of one has nothing to run again. Runs whose state another
 * program has spoiled are given up: they must not keep the agent out.
 */
export const openScript: Script = {
  name: "session-open",
  kind: "settle",
  lua: `
local agent, ledger, boot, server, epoch, known, highest = unpack(ARGV, 1, 7)
local s = sessionOf(agent)
if (s.epoch or '0') ~= ARGV[8] or (s.connected or '0') ~= ARGV[9] or (s.server or '') ~= ARGV[10] then return {'again'} end
if ARGV[11] ~= '' and tonumber(s.seen or 0) > tonumber(ARGV[11]) then return {'again'} end
local a = fields(K.agent(agent), 'company', 'fleet', 'revoked_at')
if not a.company or a.revoked_at then return {'again'} end
local first = 13 + tonumber(ARGV[12])
local looked, spoiled = {}, {}
for n = first, #ARGV, 3 do
  if read(K.state(ARGV[n])) ~= ARGV[n + 1] then return {'again'} end
  looked[ARGV[n]] = true
end
for _, id in ipairs(redis.call('ZRANGE', K.assigned(agent), 0, -1)) do
  if not looked[id] then
    if load(id) then return {'again'} end
    spoiled[#spoiled + 1] = id
  end
end

if s.connected == '1' then endSession(agent, s, 'superseded') end
redis.call('HSET', K.agent(agent), unpack(ARGV, 13, first - 1))
local fleet = redis.call('HGET', K.agent(agent), 'fleet')
redis.call('HSET', K.session(agent), 'company', a.company, 'fleet', fleet, 'epoch', epoch, 'ledger', ledger, 'boot', boot, 'server', server,
  'connected', '1', 'assign_no', math.max(tonumber(s.assign_no or 0), tonumber(known)), 'seen', now, 'connected_at', now)
redis.call('HDEL', K.session(agent), 'disconnected_at', 'reason', 'detail')
redis.call('SADD', K.held(server), agent)
countOnline(fleet, 1)
feedAgent('agent.connected', a.company, agent, epoch, server, nil)

redis.call('HSETNX', K.ledgers(agent), ledger, highest)
note(agent, ledger, highest, '1')
redis.call('ZADD', K.ledgersSeen(agent), 'NX', now, ledger)
for _, old in ipairs(redis.call('ZREVRANGE', K.ledgersSeen(agent), ${pastLedgers + 1}, -1)) do
  if old ~= ledger then
    redis.call('ZREM', K.ledgersSeen(agent), old)
    redis.call('HDEL', K.ledgers(agent), old)
  end
end

local moved = {}
for _, id in ipairs(spoiled) do moved[#moved + 1] = giveUp(id, agent) end
for n = first, #ARGV, 3 do
  local st, what = cjson.decode(ARGV[n + 1]), ARGV[n + 2]
  if what == 'keep_running' or what == 'keep_done' then
    local limit = now + st.timeout_ms + TIMEOUT_GRACE
    -- What bounded a run that hadn't started is its start window: hours, mostly.
    if not st.started_ms then due(st, limit)
    elseif what == 'keep_done' then
      due(st, math.max(tonumber(redis.call('ZSCORE', K.dueAssigned(), st.command_id) or 0), limit))
    end
    if what == 'keep_running' then st.started_ms = st.started_ms or now end
    st.epoch = tonumber(epoch)
    save(st)
  elseif what == 'requeue' or what == 'retry' then
    moved[#moved + 1] = requeue(st, what == 'retry')
  elseif what == 'cancel' then
    leaveRun(st)
    st.assigned_ms, st.started_ms, st.error, st.answered = nil, nil, 'cancelled', true
    moved[#moved + 1] = finish(st, 'cancelled')
  else
    leaveRun(st)
    st.error, st.error_message = 'ledger_lost', 'the agent lost its record of this command: it may have run'
    moved[#moved + 1] = finish(st, 'failed')
  end
end
return {'opened', moved}`,
};

/**
 * In:  1 agent, then command and attempt of runs that it has.
 * Out: those whose command waits in the queue for it as the same attempt: the store has forgotten that it gave them out.
 */
export const forgottenScript: Script = {
  name: "session-forgotten",
  kind: "read",
  lua: `
local found = {}
for n = 2, #ARGV, 2 do
  local st = load(ARGV[n])
  if st and st.agent_id == ARGV[1] and st.status == 'queued' and st.attempt == tonumber(ARGV[n + 1]) then
    found[#found + 1] = ARGV[n]
  end
end
return found`,
};
