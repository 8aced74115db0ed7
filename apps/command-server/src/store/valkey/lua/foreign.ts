/** Lua for commands that other programs write. */
export const foreignParts = {
  /** Whether this store has the command, whatever has become of its records. */
  known: `
local function known(id)
  return redis.call('ZSCORE', K.dueQueued(), id) or redis.call('ZSCORE', K.dueAssigned(), id)
    or redis.call('EXISTS', K.result(id)) == 1
end`,

  /**
   * Whether an id is another program's that hasn't been taken: there is no state, or one of the other program's own, a
   * bare word or JSON, that says 'queued'. The store's own states are longer, mostly, and have a revision. Second value: it would be,
   * but its state isn't a string.
   */
  isForeign: `
local function isForeign(id)
  local size = redis.pcall('STRLEN', K.state(id))
  if type(size) ~= 'number' then return false, not known(id) end
  if size > 400 then return false end
  if size > 0 then
    local raw = read(K.state(id))
    local ok, st = pcall(cjson.decode, raw)
    local word = ok and st or raw
    if type(word) == 'table' then
      if word.revision then return false end
      word = word.status
    end
    if word ~= 'queued' then return false end
  end
  return not known(id)
end`,
};
