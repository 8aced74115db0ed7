/**
 * Lua that moves commands. A command's state `st` is the decoded `command:status:{id}`; times in it are ms by the
 * store's clock. Every live command is in exactly one of the `due` sets, and with it either in its agent's queue
 * (queued) or in its agent's runs (assigned).
 */
export const commandParts = {
  /** The state of a command; nil where there is none that can be read. The text as second value. */
  load: `
local function load(id)
  local raw = read(K.state(id))
  if not raw then return nil end
  local ok, st = pcall(cjson.decode, raw)
  if not ok or type(st) ~= 'table' or type(st.revision) ~= 'number' or st.command_id ~= id then return nil end
  return st, raw
end`,

  /** Writes a state, its time to live as it was. Returns the text. */
  save: `
local function save(st)
  st.updated_at = iso(now)
  local raw = cjson.encode(st)
  redis.call('SET', K.state(st.command_id), raw, 'KEEPTTL')
  return raw
end`,

  isTerminal: `
local function isTerminal(st) return st.status ~= 'queued' and st.status ~= 'assigned' end`,

  /** Higher priority first, then arrival: below 2^53, exact as a double. */
  rank: `
local function rank(st) return (10 - st.priority) * 281474976710656 + st.seq end`,

  feedCommand: `
local function feedCommand(st)
  feed('command.' .. st.status, st.company_id, st.agent_id, st.command_id, st.revision,
    '{"attempt":' .. st.attempt .. ',"type":' .. json(st.type) .. ',"exitCode":' .. json(st.exit_code)
    .. ',"error":' .. json(st.error) .. '}')
end`,

  enterQueue: `
local function enterQueue(st)
  redis.call('ZADD', K.queued(st.agent_id, st.lane, st.company_id), rank(st), st.command_id)
  redis.call('ZADD', K.dueQueued(), st.expires_ms, st.command_id)
end`,

  leaveQueue: `
local function leaveQueue(st)
  redis.call('ZREM', K.queued(st.agent_id, st.lane, st.company_id), st.command_id)
  redis.call('ZREM', K.dueQueued(), st.command_id)
end`,

  /** Gives a command to its agent's session as the run of this number. */
  enterRun: `
local function enterRun(st, number)
  redis.call('ZADD', K.assigned(st.agent_id), number, st.command_id)
  redis.call('ZADD', K.dueAssigned(), st.expires_ms + START_GRACE, st.command_id)
  redis.call('HSET', K.session(st.agent_id), 'assign_no', number)
end`,

  leaveRun: `
local function leaveRun(st)
  redis.call('ZREM', K.assigned(st.agent_id), st.command_id)
  redis.call('ZREM', K.dueAssigned(), st.command_id)
end`,

  /** Sets the time at which the sweep ends an assigned command. */
  due: `
local function due(st, at) redis.call('ZADD', K.dueAssigned(), at, st.command_id) end`,

  /** The server of the agent's open session, or ''. */
  holderOf: `
local function holderOf(agent)
  local s = fields(K.session(agent), 'connected', 'server')
  return s.connected == '1' and s.server or ''
end`,

  /** Keeps a rollout's account of a command: 'from' nil for a new one. What ended is counted for good. */
  account: `
local function account(st, from)
  local rollout, to = st.rollout_id, st.status
  if from then redis.call('SREM', K.rolloutIn(rollout, from), st.command_id) end
  if to == 'queued' or to == 'assigned' then redis.call('SADD', K.rolloutIn(rollout, to), st.command_id)
  else
    redis.call('HINCRBY', K.rolloutCounts(rollout), to, 1)
    if to == 'failed' or to == 'timeout' and st.error ~= 'start_unknown' then
      redis.call('HINCRBY', K.rolloutCounts(rollout), 'errors', 1)
    end
  end
end`,

  /** One transition: counted, and told by the feed. */
  move: `
local function move(st, to)
  local from = st.status
  st.status = to
  st.revision = st.revision + 1
  if st.rollout_id then account(st, from) end
  feedCommand(st)
end`,

  /**
   * Stores a new command. 'st' has its ids, type, lane and priority; 'record' and 'state' are its texts without ids and
   * what the clock adds; 'expires' nil: the default. It is queued, or, where 's' is the open session that takes it at
   * once, assigned. Returns the state's text, and the run's number where there is one.
   */
  store: `
local function store(st, record, state, expires, s)
  local id, at = st.command_id, iso(now)
  st.seq = redis.call('INCR', K.sequence())
  st.expires_ms = expires or now + DEFAULT_EXPIRY
  st.status, st.attempt, st.revision = 'queued', 1, 1
  if st.rollout_id then account(st) end
  feedCommand(st)
  local run, number = '', nil
  if s and st.expires_ms > now then
    number = tonumber(s.assign_no or 0) + 1
    run = ',"epoch":' .. s.epoch .. ',"ledger_id":' .. json(s.ledger) .. ',"assign_no":' .. number .. ',"assigned_ms":' .. now
    move(st, 'assigned')
    enterRun(st, number)
  else enterQueue(st) end
  local ids = '{"command_id":' .. json(id) .. ',"agent_id":' .. json(st.agent_id) .. ','
  record = ids .. string.sub(record, 2, -2) .. ',"queued_at":"' .. at .. '","expires_at":"' .. iso(st.expires_ms) .. '"}'
  state = ids .. string.sub(state, 2, -2) .. ',"digest":"' .. redis.sha1hex(record) .. '","status":"' .. st.status
    .. '","attempt":1,"revision":' .. st.revision .. ',"seq":' .. st.seq .. ',"queued_ms":' .. now .. ',"expires_ms":'
    .. st.expires_ms .. ',"updated_at":"' .. at .. '"' .. run .. '}'
  redis.call('MSET', K.record(id), record, K.state(id), state, K.listed(st.agent_id, id), id)
  redis.call('ZADD', K.byCompany(st.company_id), st.seq, id)
  redis.call('ZADD', K.byAgent(st.agent_id, st.company_id), st.seq, id)
  return state, number
end`,

  /** Who holds an idempotency key: the body's hash, 'command' or 'rollout', and its id; nil where nobody does any more. */
  holder: `
local function holder(company, key)
  local hash, id = string.match(read(K.idempotency(company, key)) or '', '^(%S*) (.*)$')
  if not id then return nil end
  local rollout = string.match(id, '^rollout:(.*)$')
  if rollout then
    if redis.call('EXISTS', K.rollout(rollout)) == 1 then return hash, 'rollout', rollout end
  elseif load(id) then return hash, 'command', id end
  return nil
end`,

  /** Back to the queue, out of a run. 'again': as the next attempt, without the output of the one before. Returns the text. */
  requeue: `
local function requeue(st, again)
  leaveRun(st)
  st.assigned_ms, st.started_ms = nil, nil
  if again then
    redis.call('DEL', K.output(st.command_id, st.attempt))
    st.attempt = st.attempt + 1
    st.output_end, st.output_bytes, st.truncated = 0, 0, false
  end
  move(st, 'queued')
  enterQueue(st)
  return save(st)
end`,

  /** What other programs read of an end: the output as text, its first 64 KiB. */
  resultOf: `
local function resultOf(st)
  local output = outputText(st)
  return cjson.encode({
    command_id = st.command_id, agent_id = st.agent_id, status = st.status, attempt = st.attempt,
    exit_code = st.exit_code or cjson.null, output = output,
    truncated = st.truncated or (st.output_bytes or 0) > 65536,
    error = st.error or cjson.null, error_message = st.error_message or cjson.null,
    duration_ms = st.duration_ms or cjson.null, output_bytes = st.output_bytes or 0, completed_at = iso(now),
  })
end`,

  /** Ends a command; the caller has taken it out of queue or run. From here on its records have a time to live. Returns the text. */
  finish: `
local function finish(st, to)
  local id = st.command_id
  st.finished_ms = now
  move(st, to)
  redis.call('ZADD', K.finished(), now, st.agent_id .. '\\n' .. st.company_id .. '\\n' .. id)
  st.updated_at = iso(now)
  local raw = cjson.encode(st)
  redis.call('SET', K.state(id), raw, 'PX', RECORD_TTL)
  redis.call('SET', K.result(id), resultOf(st), 'PX', RECORD_TTL)
  redis.call('PEXPIRE', K.record(id), RECORD_TTL)
  redis.call('PEXPIRE', K.listed(st.agent_id, id), RECORD_TTL)
  if (st.output_end or 0) > 0 then redis.call('PEXPIRE', K.output(id, st.attempt), RECORD_TTL) end
  if st.idempotency_key then redis.call('PEXPIRE', K.idempotency(st.company_id, st.idempotency_key), RECORD_TTL) end
  return raw
end`,

  /**
   * Ends a command whose state another program has spoiled or removed, by what its record still tells; 'agent' nil where that isn't
   * known otherwise. Returns the text, nil where the record can't be read either: then it is taken out of what leads to it.
   * What only the state knew is made up: the revision is above any that it can have had.
   */
  giveUp: `
local function giveUp(id, agent)
  redis.call('ZREM', K.dueQueued(), id)
  redis.call('ZREM', K.dueAssigned(), id)
  if agent then redis.call('ZREM', K.assigned(agent), id) end
  local ok, r = pcall(cjson.decode, read(K.record(id)) or '')
  if not ok or type(r) ~= 'table' or type(r.agent_id) ~= 'string' or type(r.company_id) ~= 'string' then return nil end
  redis.call('ZREM', K.assigned(r.agent_id), id)
  for _, lane in ipairs({'work', 'control'}) do redis.call('ZREM', K.queued(r.agent_id, lane, r.company_id), id) end
  local st = { command_id = id, agent_id = r.agent_id, company_id = r.company_id, type = tostring(r.command_type), lane = 'work',
    priority = tonumber(r.priority) or 0, timeout_ms = (tonumber(r.timeout) or 0) * 1000, idempotent = r.idempotent == true,
    status = 'assigned', attempt = 1, revision = 1000000, seq = 0, queued_ms = now, expires_ms = now }
  if type(r.rollout_id) == 'string' then
    st.rollout_id = r.rollout_id
    redis.call('SREM', K.rolloutIn(r.rollout_id, 'queued'), id)
  end
  st.error, st.error_message = 'state_lost', 'another program changed or removed where it stood'
  return finish(st, 'failed')
end`,
};
