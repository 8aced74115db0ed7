import { createBatcher } from "../batcher.ts";
import type { OutputReport } from "../command-store.ts";
import type { StoreContext } from "./context.ts";
import { packPieces, type PackedPieces } from "./output-pieces.ts";
import { isUnavailable } from "../errors.ts";

/**
 * CTEs that append pieces to the output of runs, keeping the first and the last part.
 *
 * In:  `run`, a CTE of locked rows with `id, agent_id, ledger_id, attempt, output_end`; parameters $1–$11 as `appendValues`
 *      gives them.
 * Out: `grown(id, output_end, truncated)` for the runs that got something new.
 *
 * What lies before a run's end is trimmed, a hole is left as one; a piece beyond the head goes when it no longer
 * reaches into the tail, also when it is gone before it was ever stored. The delete sees only rows of earlier
 * statements, and of these only those that just fell out of the tail.
 */
export const appendPieces = `piece AS (
  SELECT p.n, r.id, r.attempt, p.stream, p.first_byte, p.first_byte + p.length AS end_byte, p.start,
    greatest(r.output_end, coalesce(max(p.first_byte + p.length)
      OVER (PARTITION BY r.id ORDER BY p.n ROWS BETWEEN UNBOUNDED PRECEDING AND 1 PRECEDING), 0)) AS expected
  FROM unnest($2::text[], $3::text[], $4::text[], $5::int[], $6::bigint[], $7::text[], $8::int[], $9::int[])
    WITH ORDINALITY AS p(command_id, agent_id, ledger_id, attempt, first_byte, stream, start, length, n)
  JOIN run r ON r.id = p.command_id AND r.agent_id = p.agent_id AND r.ledger_id = p.ledger_id AND r.attempt = p.attempt
), fresh AS MATERIALIZED (
  SELECT id, attempt, stream, greatest(first_byte, expected) AS first_byte, end_byte, first_byte > expected AS after_gap,
    start + greatest(first_byte, expected) - first_byte AS start, max(end_byte) OVER (PARTITION BY id) AS output_end
  FROM piece WHERE end_byte > expected
), stored AS (
  INSERT INTO command_output (command_id, attempt, first_byte, stream, data)
  SELECT id, attempt, first_byte, stream, substring($1::bytea FROM start::int + 1 FOR (end_byte - first_byte)::int)
  FROM fresh WHERE first_byte < $10::bigint OR end_byte > output_end - $11::bigint
), pruned AS (
  DELETE FROM command_output o USING (SELECT DISTINCT id, attempt, output_end FROM fresh) f
  WHERE o.command_id = f.id AND o.attempt = f.attempt AND o.first_byte >= $10::bigint
    AND o.first_byte < f.output_end - $11::bigint AND o.first_byte + octet_length(o.data) <= f.output_end - $11::bigint
  RETURNING o.command_id
), grown AS (
  SELECT id, output_end, bool_or(after_gap OR (first_byte >= $10::bigint AND end_byte <= output_end - $11::bigint))
    OR id IN (SELECT command_id FROM pruned) AS truncated
  FROM fresh GROUP BY id, output_end
)`;

/** $1–$11 of `appendPieces`. */
export function appendValues(
  packed: PackedPieces,
  kept: { outputHeadBytes: number; outputTailBytes: number },
): unknown[] {
  return [
    packed.bytes,
    packed.commandIds,
    packed.agentIds,
    packed.ledgerIds,
    packed.attempts,
    packed.offsets,
    packed.streams,
    packed.starts,
    packed.lengths,
    kept.outputHeadBytes,
    kept.outputTailBytes,
  ];
}

/** $12: the commands of the batch. Out: each run that is still open, with its end after the batch. */
const append = `
WITH held AS MATERIALIZED (
  SELECT c.id, c.agent_id, c.ledger_id, c.attempt, c.output_end, c.status FROM commands c
  WHERE c.id = ANY($12::text[]) ORDER BY c.id FOR NO KEY UPDATE
), run AS (
  SELECT * FROM held WHERE status = 'assigned'
), ${appendPieces}, moved AS (
  UPDATE commands c SET output_end = g.output_end, output_bytes = g.output_end, truncated = c.truncated OR g.truncated
  FROM grown g WHERE c.id = g.id
)
SELECT run.id, run.agent_id, run.ledger_id, run.attempt, coalesce(g.output_end, run.output_end) AS output_end,
  g.id IS NOT NULL AS grew
FROM run LEFT JOIN grown g ON g.id = run.id`;

interface RunRow {
  id: string;
  agent_id: string;
  ledger_id: string;
  attempt: number;
  output_end: number;
  grew: boolean;
}

/**
 * Appends in the order of the calls; one batch at a time, so that a later chunk never overtakes an earlier one.
 *
 * Repeatable, since the stored end decides. After `store_unavailable` everything that waited fails with it: the caller
 * goes on from the last offset that was acknowledged, and sends nothing newer before.
 */
export function createAppendOutput({
  sql,
  settings,
  hub,
}: StoreContext): (report: OutputReport) => Promise<number | null> {
  return createBatcher<OutputReport, number | null>({
    maxInFlight: 1,
    failWaiting: true,
    sizeOf: ({ data }) => data.length,
    maxSize: 4 * 1024 * 1024,
    concernsAll: isUnavailable,
    async run(items) {
      const packed = packPieces(items, settings.outputHeadBytes);
      const ids = [...new Set(items.map(({ commandId }) => commandId))];
      const values = [...appendValues(packed, settings), ids];
      const rows = await sql.rows<RunRow>({ name: "append-output", text: append, values });
      const byId = new Map(rows.map((row) => [row.id, row]));
      hub.changed(
        rows.filter(({ grew }) => grew).map((row) => ({ kind: "output", commandId: row.id, end: row.output_end })),
      );
      return items.map((item) => {
        const run = byId.get(item.commandId);
        const current =
          run?.agent_id === item.agentId && run.ledger_id === item.ledgerId && run.attempt === item.attempt;
        return current ? run.output_end : null;
      });
    },
  });
}
