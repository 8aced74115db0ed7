import type { OutputStream, StoredOutput } from "../command-store.ts";
import { maxPieceBytes } from "./output-pieces.ts";
import type { Sql } from "./sql.ts";

/**
 * Stored output of the current attempt: $1 command, $2 company, $3 first byte, $4 bytes wanted. One row without a piece
 * when nothing is stored from there on. Reads the pieces that hold the wanted bytes and the first beyond them; none
 * that begins too early to reach there is looked at, so that following long output doesn't walk over all of it again.
 */
const read = `
SELECT c.attempt, c.output_end, c.truncated, p.first_byte, p.stream, p.data
FROM commands c LEFT JOIN LATERAL (
  SELECT first_byte, stream, data FROM (
    SELECT o.first_byte, o.stream, o.data, sum(octet_length(o.data)) OVER (ORDER BY o.first_byte) - octet_length(o.data)
      - greatest($3::bigint - min(o.first_byte) OVER (), 0) AS before
    FROM command_output o
    WHERE o.command_id = c.id AND o.attempt = c.attempt AND o.first_byte > $3::bigint - ${maxPieceBytes}
      AND o.first_byte + octet_length(o.data) > $3::bigint
  ) numbered WHERE before <= $4::bigint
) p ON true
WHERE c.id = $1 AND c.company_id = $2 ORDER BY p.first_byte`;

interface PieceRow {
  attempt: number;
  output_end: number;
  truncated: boolean;
  first_byte: number | null;
  stream: OutputStream;
  data: Buffer;
}

/** Null when the company has no such command. */
export async function readOutput(
  sql: Sql,
  companyId: string,
  commandId: string,
  from: number,
  maxBytes: number,
): Promise<StoredOutput | null> {
  const values = [commandId, companyId, Math.max(0, from), Math.max(1, maxBytes)];
  const rows = await sql.rows<PieceRow>({ name: "read-output", text: read, values });
  const [head] = rows;
  if (head === undefined) return null;
  const output: StoredOutput = {
    pieces: [],
    end: head.output_end,
    next: null,
    attempt: head.attempt,
    truncated: head.truncated,
  };
  let left = Math.max(1, maxBytes);
  for (const row of rows) {
    if (row.first_byte === null) break;
    const skipped = Math.max(0, from - row.first_byte);
    const offset = row.first_byte + skipped;
    if (left === 0) {
      output.next = offset;
      break;
    }
    const data = row.data.subarray(skipped, skipped + left);
    output.pieces.push({ offset, stream: row.stream, data });
    left -= data.length;
    if (skipped + data.length < row.data.length) {
      output.next = offset + data.length;
      break;
    }
  }
  return output;
}
