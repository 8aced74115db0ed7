/**
 * Lua for output. A piece is a member `{o|e}{first byte}:{bytes}` of the run's sorted set, its score the first byte:
 * read in order, and pruned in the middle, by ranges.
 */
export const outputParts = {
  /** Largest piece, bytes. */
  PIECE: `
local PIECE = 65536`,

  /** Bytes of a piece. */
  bytesOf: `
local function bytesOf(member) return string.sub(member, string.find(member, ':', 2, true) + 1) end`,

  /** Valid UTF-8, with U+FFFD for each byte that isn't part of it. */
  wellFormed: `
local function wellFormed(text)
  if not string.find(text, '[\\128-\\255]') then return text end
  return (string.gsub(text, '[\\128-\\255]+', function(run)
    local kept = {}
    local at = 1
    while at <= #run do
      local first, second = string.byte(run, at, at + 1)
      second = second or 0
      local size = 0
      if first >= 194 and first <= 223 then size = 2
      elseif first >= 224 and first <= 239 then
        size = 3
        if (first == 224 and second < 160) or (first == 237 and second > 159) then size = 0 end
      elseif first >= 240 and first <= 244 then
        size = 4
        if (first == 240 and second < 144) or (first == 244 and second > 143) then size = 0 end
      end
      local whole = size > 0 and at + size - 1 <= #run
      for next = at + 1, at + size - 1 do
        local byte = string.byte(run, next)
        whole = whole and byte ~= nil and byte >= 128 and byte <= 191
      end
      if whole then
        kept[#kept + 1] = string.sub(run, at, at + size - 1)
        at = at + size
      else
        kept[#kept + 1] = '\\239\\191\\189'
        at = at + 1
      end
    end
    return table.concat(kept)
  end))
end`,

  /** The first 64 KiB of what is stored, both streams, as text. */
  outputText: `
local function outputText(st)
  if (st.output_end or 0) == 0 then return '' end
  local pieces = redis.call('ZRANGEBYSCORE', K.output(st.command_id, st.attempt), 0, 65535)
  for n = 1, #pieces do pieces[n] = bytesOf(pieces[n]) end
  return wellFormed(string.sub(table.concat(pieces), 1, 65536))
end`,

  /**
   * Appends pieces {first byte, stream, bytes} at the run's own end: what lies before it is trimmed, a hole is left as
   * one. Keeps the head and the tail; what falls out between them goes, also when it was never stored. True when
   * something was new.
   */
  append: `
local function append(st, pieces)
  local key = K.output(st.command_id, st.attempt)
  local from = st.output_end or 0
  local last = from
  for n = 1, #pieces do
    if #pieces[n][3] > 0 then last = math.max(last, pieces[n][1] + #pieces[n][3]) end
  end
  if last == from then return false end
  local expected = from
  for n = 1, #pieces do
    local first, stream, bytes = pieces[n][1], pieces[n][2], pieces[n][3]
    local stop = first + #bytes
    if #bytes > 0 and stop > expected then
      if first > expected then st.truncated = true end
      local at = math.max(first, expected)
      while at < stop do
        local size = math.min(stop - at, PIECE)
        if at < OUTPUT_HEAD then size = math.min(size, OUTPUT_HEAD - at) end
        if at < OUTPUT_HEAD or at + size > last - OUTPUT_TAIL then
          redis.call('ZADD', key, at, stream .. at .. ':' .. string.sub(bytes, at - first + 1, at - first + size))
        else st.truncated = true end
        at = at + size
      end
      expected = stop
    end
  end
  local edge = last - OUTPUT_TAIL
  if edge > OUTPUT_HEAD then
    local old = redis.call('ZRANGEBYSCORE', key, OUTPUT_HEAD, '(' .. edge, 'WITHSCORES')
    for n = 1, #old, 2 do
      if old[n + 1] + #bytesOf(old[n]) <= edge then
        redis.call('ZREM', key, old[n])
        st.truncated = true
      end
    end
  end
  st.output_end = last
  st.output_bytes = math.max(st.output_bytes or 0, last)
  return true
end`,
};
