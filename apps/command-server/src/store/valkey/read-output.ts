import type { OutputPiece, StoredOutput } from "../command-store.ts";
import { parseState } from "./record.ts";
import type { Script } from "./script.ts";
import type { Valkey } from "./valkey.ts";

/**
 * Stored output of the current attempt, and the state that it belongs to.
 *
 * In:  1 command, 2 company, 3 first byte, 4 bytes wanted.
 * Out: {} when the company has no such command; else {state, pieces}: those that hold the wanted bytes, and the first
 *      beyond them.
 */
const readScript: Script = {
  name: "read-output",
  kind: "read",
  lua: `
local st, raw = load(ARGV[1])
if not st or st.company_id ~= ARGV[2] then return {} end
local from, left = tonumber(ARGV[3]), tonumber(ARGV[4])
local key = K.output(ARGV[1], st.attempt)
local pieces = {}
local at = '(' .. (from - PIECE)
while left >= 0 do
  local some = redis.call('ZRANGEBYSCORE', key, at, '+inf', 'WITHSCORES', 'LIMIT', 0, 8)
  if #some == 0 then break end
  for n = 1, #some, 2 do
    local bytes = bytesOf(some[n])
    local first = tonumber(some[n + 1])
    if first + #bytes > from and left >= 0 then
      pieces[#pieces + 1] = some[n]
      left = left - (#bytes - math.max(0, from - first))
      if left == 0 then left = 0 end
    end
    at = '(' .. some[n + 1]
  end
  if left < 0 then break end
end
return {raw, pieces}`,
};

const colon = ":".codePointAt(0) ?? 0;

/** Null when the company has no such command. */
export async function readOutput(
  valkey: Valkey,
  companyId: string,
  commandId: string,
  from: number,
  maxBytes: number,
): Promise<StoredOutput | null> {
  const first = Math.max(0, from);
  const wanted = Math.max(1, maxBytes);
  const [raw, members = []] = await valkey.runBuffer<[Buffer?, Buffer[]?]>(
    readScript,
    commandId,
    companyId,
    first,
    wanted,
  );
  const state = parseState(raw?.toString() ?? null);
  if (state === null) return null;
  const output: StoredOutput = {
    pieces: [],
    end: state.output_end ?? 0,
    next: null,
    attempt: state.attempt,
    truncated: state.truncated ?? false,
  };
  let left = wanted;
  for (const piece of members.map(toPiece)) {
    const skipped = Math.max(0, first - piece.offset);
    const offset = piece.offset + skipped;
    if (left === 0) {
      output.next = offset;
      break;
    }
    const data = piece.data.subarray(skipped, skipped + left);
    output.pieces.push({ offset, stream: piece.stream, data });
    left -= data.length;
    if (skipped + data.length < piece.data.length) {
      output.next = offset + data.length;
      break;
    }
  }
  return output;
}

function toPiece(member: Buffer): OutputPiece {
  const cut = member.indexOf(colon);
  return {
    offset: Number(member.toString("latin1", 1, cut)),
    stream: member[0] === 111 ? "stdout" : "stderr",
    data: member.subarray(cut + 1),
  };
}
