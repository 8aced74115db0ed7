import type { CommandStatus } from "../../commands/command.ts";
import type { WatchEvent } from "../command-store.ts";
import { commandEntries, entryColumns } from "./feed-entries.ts";
import type { Settlement } from "../reconcile.ts";
import type { StoreSettings } from "../settings.ts";
import type { Sql } from "./sql.ts";

/**
 * Carries out what `settle` decided, for rows that the transaction has locked: $1 ids, $2 settlements, $3 each new
 * session's epoch, $4 timeout grace in ms. Runs that are kept move to the new epoch; one that runs is dated, one that is
 * done gets time to send its result.
 */
const kept = `
UPDATE commands c SET epoch = k.epoch,
  started_at = CASE WHEN k.what = 'keep_running' THEN coalesce(c.started_at, clock_timestamp()) ELSE c.started_at END,
  due_at = CASE WHEN k.what = 'keep_running' AND c.started_at IS NOT NULL THEN c.due_at
    -- What bounded a run that hadn't started is its start window: hours, mostly.
    ELSE greatest(CASE WHEN c.started_at IS NOT NULL THEN c.due_at END,
      clock_timestamp() + (c.timeout_ms + $4::float8) * interval '1 ms') END
FROM unnest($1::text[], $2::text[], $3::bigint[]) AS k(id, what, epoch)
WHERE c.id = k.id AND k.what IN ('keep_running', 'keep_done')`;

const moved = `
WITH decided AS (
  SELECT * FROM unnest($1::text[], $2::text[]) AS d(id, what) WHERE what IN ('requeue', 'retry', 'cancel', 'lose')
), moved AS (
  UPDATE commands c SET revision = c.revision + 1,
    status = CASE d.what WHEN 'lose' THEN 'failed' WHEN 'cancel' THEN 'cancelled' ELSE 'queued' END,
    attempt = c.attempt + (d.what = 'retry')::int,
    assigned_at = CASE WHEN d.what = 'lose' THEN c.assigned_at END,
    started_at = CASE WHEN d.what = 'lose' THEN c.started_at END,
    finished_at = CASE WHEN d.what IN ('lose', 'cancel') THEN clock_timestamp() END,
    due_at = CASE WHEN d.what IN ('requeue', 'retry') THEN c.expires_at END,
    error = CASE d.what WHEN 'lose' THEN 'ledger_lost' WHEN 'cancel' THEN 'cancelled' END,
    error_message = CASE WHEN d.what = 'lose' THEN 'the agent lost its record of this command: it may have run' END,
    answered = d.what = 'cancel',
    output_end = CASE WHEN d.what = 'retry' THEN 0 ELSE c.output_end END,
    output_bytes = CASE WHEN d.what = 'retry' THEN 0 ELSE c.output_bytes END,
    truncated = c.truncated AND d.what <> 'retry'
  FROM decided d WHERE c.id = d.id
  RETURNING ${entryColumns}
), unneeded AS (
  DELETE FROM command_output o USING decided d WHERE d.what = 'retry' AND o.command_id = d.id
), fed AS (${commandEntries("moved")})
SELECT id, status, revision FROM moved`;

/** Inside the transaction that opens sessions. Returns what watchers are to be told after its commit. */
export async function settleRuns(
  rows: Sql["rows"],
  { timeoutGraceMs }: StoreSettings,
  settled: readonly { commandId: string; epoch: number; settlement: Settlement }[],
): Promise<WatchEvent[]> {
  if (settled.length === 0) return [];
  const values = [settled.map(({ commandId }) => commandId), settled.map(({ settlement }) => settlement)];
  await rows({
    name: "settle-kept",
    text: kept,
    values: [...values, settled.map(({ epoch }) => epoch), timeoutGraceMs],
  });
  const changed = await rows<{ id: string; status: CommandStatus; revision: number }>({
    name: "settle-moved",
    text: moved,
    values,
  });
  return changed.map(({ id, status, revision }) => ({ kind: "state", commandId: id, status, revision }));
}
