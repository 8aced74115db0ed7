import { FleetwireError } from "@fleetwire/service";
import type { JsonObject } from "../../commands/command.ts";
import type { FeedEntry, FeedKind } from "../command-store.ts";
import { storeErrors } from "../errors.ts";
import type { Script } from "./script.ts";
import type { Valkey } from "./valkey.ts";

/**
 * Entries after a place, oldest first. Steps are atomic and write in their order, so the stream's order is the order of
 * the changes, and its ids never go back, also when the store has lost its last entries.
 *
 * In:  1 stream id read up to, or '' for the oldest kept, 2 limit, 3 company or ''.
 * Out: {id and number of the last entry that was removed, '' where none was; id and number of the last that was looked at;
 *      entries}.
 */
const readScript: Script = {
  name: "feed-read",
  kind: "read",
  lua: `
local from, limit, company = ARGV[1] == '' and '-' or '(' .. ARGV[1], tonumber(ARGV[2]), ARGV[3]
local floor = redis.call('HMGET', K.feedFloor(), 'id', 'n')
local entries, looked, number = {}, ARGV[1], ''
local some = redis.call('XRANGE', K.feed(), from, '+', 'COUNT', math.min(limit, 1000))
local pages = 0
while #some > 0 and #entries < limit and pages < 20 do
  pages = pages + 1
  for _, entry in ipairs(some) do
    local f = entry[2]
    if #entries == limit then break end
    looked, number = entry[1], f[2]
    if company == '' or f[6] == company then entries[#entries + 1] = {entry[1], f[2], f[4], f[6], f[8], f[10], f[12], f[14]} end
  end
  if #entries < limit then some = redis.call('XRANGE', K.feed(), '(' .. looked, '+', 'COUNT', 1000) end
end
return {floor[1] or '', floor[2] or '0', looked, number, entries}`,
};

/** Out: id and number of the newest entry, or of the last that was removed. */
const endScript: Script = {
  name: "feed-end",
  kind: "read",
  lua: `
local last = redis.call('XREVRANGE', K.feed(), '+', '-', 'COUNT', 1)[1]
if last then return {last[1], last[2][2]} end
local floor = redis.call('HMGET', K.feedFloor(), 'id', 'n')
return {floor[1] or '0-0', floor[2] or '0'}`,
};

/** A place in the feed: everything up to and including this stream id has been read; `number` counts the entries there. */
interface FeedPosition {
  id: string;
  number: number;
}

type EntryRow = [
  id: string,
  n: string,
  kind: FeedKind,
  company: string,
  agent: string,
  command: string,
  revision: string,
  data: string,
];

/** `lost` counts, by the feed's numbers, what was removed before it was read. Throws `invalid_cursor`. */
export async function readFeed(valkey: Valkey, cursor: string | null, limit: number, companyId?: string) {
  const from = cursor === null ? null : decodePosition(cursor);
  const [floorId, floorNumber, looked, number, rows] = await valkey.run<[string, string, string, string, EntryRow[]]>(
    readScript,
    from?.id ?? "",
    limit,
    companyId ?? "",
  );
  const floor = { id: floorId, number: Number(floorNumber) };
  const behind = from !== null && floorId !== "" && isBefore(from.id, floorId);
  const start = from ?? (floorId === "" ? { id: "0-0", number: 0 } : floor);
  const end = number === "" ? (behind ? floor : start) : { id: looked, number: Number(number) };
  return {
    entries: rows.map(toEntry),
    cursor: encodePosition(end),
    lost: behind ? Math.max(0, floor.number - from.number) : 0,
  };
}

/** The position after everything written so far. */
export async function feedEnd(valkey: Valkey): Promise<string> {
  const [id, number] = await valkey.run<[string, string]>(endScript);
  return encodePosition({ id, number: Number(number) });
}

function toEntry([id, n, kind, companyId, agentId, commandId, revision, data]: EntryRow): FeedEntry {
  return {
    cursor: encodePosition({ id, number: Number(n) }),
    at: new Date(Number(id.split("-", 1)[0])),
    kind,
    companyId,
    agentId,
    commandId: commandId || null,
    revision: revision === "" ? null : Number(revision),
    data: JSON.parse(data) as JsonObject,
  };
}

function isBefore(a: string, b: string): boolean {
  const [[aMs = 0, aSeq = 0], [bMs = 0, bSeq = 0]] = [a.split("-").map(Number), b.split("-").map(Number)];
  return aMs < bMs || (aMs === bMs && aSeq < bSeq);
}

const shape = /^v1:(\d{1,16}-\d{1,16}):(\d{1,16})$/;

function encodePosition({ id, number }: FeedPosition): string {
  return Buffer.from(`v1:${id}:${number}`, "latin1").toString("base64url");
}

function decodePosition(cursor: string): FeedPosition {
  const [, id, number] = shape.exec(Buffer.from(cursor, "base64url").toString("latin1")) ?? [];
  if (id === undefined || number === undefined) throw new FleetwireError(storeErrors.invalid_cursor);
  return { id, number: Number(number) };
}
