import type { Script } from "../script.ts";
import type { Valkey } from "../valkey.ts";

/**
 * A command of another program: its id, and SHA-1 of what it wrote; instead of that 'type', 'size N' or 'status' where it isn't a string,
 * has too many bytes, or has a status key that isn't a string.
 */
export interface ForeignId {
  id: string;
  digest: string;
}

/** Larger records aren't read: hashing them would hold up everybody. */
export const largestRecordBytes = 1024 * 1024;

const describe = `
local function describe(id, odd)
  if odd then return {id, 'status'} end
  local size = redis.pcall('STRLEN', K.record(id))
  if type(size) ~= 'number' then return {id, 'type'} end
  if size > ${largestRecordBytes} then return {id, 'size ' .. size} end
  return {id, redis.sha1hex(read(K.record(id)) or '')}
end`;

/**
 * One page of a walk over all keys.
 *
 * In:  1 cursor, 2 pattern of the record keys, 3 about how many keys.
 * Out: {next cursor, foreign ids with digests}.
 *
 * A record that was written over after its command had ended has lost its time to live: it gets that of the state,
 * so that the id isn't taken for a new one when the state is gone.
 */
const pageScript: Script = {
  name: "foreign-page",
  kind: "settle",
  lua: `${describe}
local reply = redis.call('SCAN', ARGV[1], 'MATCH', ARGV[2], 'COUNT', ARGV[3])
local before = #K.record('')
local found = {}
for _, key in ipairs(reply[2]) do
  local id = string.sub(key, before + 1)
  local foreign, odd = isForeign(id)
  if foreign or odd then found[#found + 1] = describe(id, odd)
  else
    local left = redis.call('PTTL', K.state(id))
    if left > 0 and redis.call('PTTL', key) == -1 then redis.call('PEXPIRE', key, left) end
  end
end
return {reply[1], found}`,
};

/** In: ids. Out: those that are foreign, with digests. */
const amongScript: Script = {
  name: "foreign-among",
  kind: "read",
  lua: `${describe}
local found = {}
for n = 1, #ARGV do
  local foreign, odd = isForeign(ARGV[n])
  if (foreign or odd) and redis.call('EXISTS', K.record(ARGV[n])) == 1 then found[#found + 1] = describe(ARGV[n], odd) end
end
return found`,
};

type Row = [id: string, digest: string];

const toForeignId = ([id, digest]: Row): ForeignId => ({ id, digest });

/** One page of a walk over all keys, from this cursor; the walk is over when the next one is "0". */
export async function findPage(
  valkey: Valkey,
  cursor: string,
  count: number,
): Promise<{ next: string; found: ForeignId[] }> {
  const pattern = `${escapeGlob(valkey.keys.record(""))}*`;
  const [next, rows] = await valkey.run<[string, Row[]]>(pageScript, cursor, pattern, count);
  return { next, found: rows.map(toForeignId) };
}

/** Those of these ids that are another program's and haven't been taken. */
export async function findAmong(valkey: Valkey, ids: readonly string[]): Promise<ForeignId[]> {
  return (await valkey.run<Row[]>(amongScript, ...ids)).map(toForeignId);
}

export function escapeGlob(text: string): string {
  return text.replaceAll(/[*?[\]\\]/g, String.raw`\$&`);
}
