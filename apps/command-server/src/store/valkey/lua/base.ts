/** Lua that every script may use: time, keys that other programs may have spoiled, the feed. */
export const baseParts = {
  /** The store's clock, ms since 1970, one instant for the whole step. */
  now: `
local time = redis.call('TIME')
local now = time[1] * 1000 + math.floor(time[2] / 1000)`,

  /** RFC 3339 in UTC with milliseconds. Days to a date as in Howard Hinnant's "chrono-compatible low-level date algorithms". */
  iso: `
local function iso(ms)
  local seconds = math.floor(ms / 1000)
  local days = math.floor(seconds / 86400)
  local z = days + 719468
  local era = math.floor(z / 146097)
  local doe = z - era * 146097
  local yoe = math.floor((doe - math.floor(doe / 1460) + math.floor(doe / 36524) - math.floor(doe / 146096)) / 365)
  local doy = doe - (365 * yoe + math.floor(yoe / 4) - math.floor(yoe / 100))
  local mp = math.floor((5 * doy + 2) / 153)
  local month = mp < 10 and mp + 3 or mp - 9
  local year = yoe + era * 400 + (month <= 2 and 1 or 0)
  local rest = seconds - days * 86400
  return string.format('%04d-%02d-%02dT%02d:%02d:%02d.%03dZ', year, month, doy - math.floor((153 * mp + 2) / 5) + 1,
    math.floor(rest / 3600), math.floor(rest % 3600 / 60), rest % 60, ms - seconds * 1000)
end`,

  /** A string key's value; nil where it isn't there or another program has put another type in its place. */
  read: `
local function read(key)
  local value = redis.pcall('GET', key)
  return type(value) == 'string' and value or nil
end`,

  /** A hash's fields as a table. */
  fields: `
local function fields(key, ...)
  local names = {...}
  local values = redis.call('HMGET', key, ...)
  local found = {}
  for n = 1, #names do found[names[n]] = values[n] or nil end
  return found
end`,

  /** One entry of the feed. 'id' and 'revision' are '' for agents. */
  feed: `
local function feed(kind, company, agent, id, revision, data)
  redis.call('XADD', K.feed(), '*', 'n', redis.call('INCR', K.feedNumber()), 'k', kind, 'c', company, 'a', agent,
    'i', id, 'r', revision, 'd', data)
end`,

  json: `
local function json(value)
  if value == nil then return 'null' end
  return cjson.encode(value)
end`,
};
