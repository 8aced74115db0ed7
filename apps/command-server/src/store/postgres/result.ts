import { retryReasonOf, statusOf } from "../../commands/command.ts";
import { createBatcher } from "../batcher.ts";
import type { ResultOutcome, ResultReport, WatchEvent } from "../command-store.ts";
import { appendPieces, appendValues } from "./append-output.ts";
import type { StoreContext } from "./context.ts";
import { commandEntries } from "./feed-entries.ts";
import { ledgerNotes } from "./ledger-notes.ts";
import { packPieces } from "./output-pieces.ts";
import { changeColumns, toChange, type ChangeRow } from "./rows.ts";
import { isUnavailable } from "../errors.ts";
import { cleanJson } from "../text.ts";

/**
 * One statement for a batch of answers: judges each against its command's run, ends or retries the command, appends
 * the rest of its output, keeps late answers, writes the feed.
 *
 * In:  $1–$11 the output's tails, as `appendPieces` takes them; $12 JSON array of reports, command ids distinct.
 * Out: per command of these agents `verdict`, and the state after it.
 *
 *   the command now                                   verdict
 *   assigned, the same run                            applied, or retried where its policy allows
 *   ended by the agent's answer, or late one kept     duplicate
 *   ended by the server, the same run                 late: kept as `late_result`, the state stays
 *   queued again as the next attempt of that run      duplicate: this answer was what led there
 *   anything else                                     unknown
 *
 * A run is retried only within `expires_at`, and not when a cancel was asked for: a command that has run never ends as
 * `expired`.
 */
const result = `
WITH report AS (
  SELECT * FROM json_to_recordset($12::json) AS r(command_id text, agent_id text, ledger_id text, attempt int,
    assign_no bigint, recorded boolean, status text, retry_reason text, exit_code int, error text, error_message text,
    duration_ms bigint, output_bytes bigint, started_ago_ms float8, left_running jsonb, late jsonb)
), held AS MATERIALIZED (
  SELECT c.id, c.agent_id, c.ledger_id, c.assign_no, c.attempt, c.status, c.answered, c.late_result, c.retry,
    c.cancel_requested_at, c.expires_at, c.output_end
  FROM commands c WHERE c.id = ANY(ARRAY(SELECT command_id FROM report)) ORDER BY c.id FOR NO KEY UPDATE
), judged AS MATERIALIZED (
  SELECT h.id, h.output_end, r.*, h.agent_id AS run_agent, CASE
    WHEN h.ledger_id IS DISTINCT FROM r.ledger_id OR h.assign_no IS DISTINCT FROM r.assign_no THEN 'unknown'
    WHEN h.attempt = r.attempt + 1 AND h.status = 'queued' THEN 'duplicate'
    WHEN h.attempt <> r.attempt OR h.status = 'queued' THEN 'unknown'
    WHEN h.status = 'assigned' THEN CASE
      WHEN h.retry->'on' ? r.retry_reason AND h.attempt < (h.retry->>'maxAttempts')::int
        AND h.cancel_requested_at IS NULL AND h.expires_at > clock_timestamp() THEN 'retried'
      ELSE 'applied' END
    WHEN h.answered OR h.late_result IS NOT NULL THEN 'duplicate'
    ELSE 'late' END AS verdict
  FROM held h JOIN report r ON r.command_id = h.id AND r.agent_id = h.agent_id
), run AS (
  SELECT id, run_agent AS agent_id, ledger_id, attempt, output_end FROM judged WHERE verdict = 'applied'
), ${appendPieces}, ended AS (
  UPDATE commands c SET status = j.status, revision = c.revision + 1, answered = true, finished_at = clock_timestamp(),
    due_at = NULL, left_running = j.left_running, exit_code = j.exit_code, error = j.error, error_message = j.error_message, duration_ms = j.duration_ms,
    started_at = coalesce(c.started_at,
      greatest(c.assigned_at, clock_timestamp() - j.started_ago_ms * interval '1 ms')),
    output_end = coalesce(g.output_end, c.output_end),
    output_bytes = greatest(j.output_bytes, coalesce(g.output_end, c.output_end)),
    truncated = c.truncated OR coalesce(g.truncated, false) OR j.output_bytes > coalesce(g.output_end, c.output_end)
  FROM judged j LEFT JOIN grown g ON g.id = j.id
  WHERE c.id = j.id AND j.verdict = 'applied'
  RETURNING c.id, c.company_id, c.agent_id, c.type, c.output_end, ${changeColumns("c")}
), again AS (
  UPDATE commands c SET status = 'queued', revision = c.revision + 1, attempt = c.attempt + 1, assigned_at = NULL,
    started_at = NULL, due_at = c.expires_at, output_end = 0, output_bytes = 0, truncated = false
  FROM judged j WHERE c.id = j.id AND j.verdict = 'retried'
  RETURNING c.id, c.company_id, c.agent_id, c.type, c.output_end, ${changeColumns("c")}
), unneeded AS (
  DELETE FROM command_output o USING judged j WHERE j.verdict = 'retried' AND o.command_id = j.id
), kept_late AS (
  UPDATE commands c SET late_result = j.late FROM judged j WHERE c.id = j.id AND j.verdict = 'late'
), moved AS (
  SELECT * FROM ended UNION ALL SELECT * FROM again
), fed AS (${commandEntries("moved")}), ${ledgerNotes("report")}
SELECT j.id, j.verdict, g.id IS NOT NULL AS grew, m.output_end, ${changeColumns("m")}
FROM judged j LEFT JOIN moved m ON m.id = j.id LEFT JOIN grown g ON g.id = j.id`;

interface ResultRow {
  id: string;
  verdict: ResultOutcome["kind"];
  grew: boolean;
}

/** The row of a command that moved; of the others these columns are null. */
type MovedRow = ResultRow & ChangeRow & { output_end: number };

interface Item {
  report: ResultReport;
  json: string;
}

/** Repeatable: an answer that had been applied is a `duplicate` and changes nothing. */
export function createResult(context: StoreContext): (report: ResultReport) => Promise<ResultOutcome> {
  const { sql, settings, hub, signals, serverId } = context;
  const batch = createBatcher<Item, ResultOutcome>({
    keysOf: ({ report }) => [report.commandId],
    sizeOf: ({ report, json }) => json.length + report.tail.reduce((sum, { data }) => sum + data.length, 0),
    maxSize: 4 * 1024 * 1024,
    concernsAll: isUnavailable,
    async run(items) {
      const tails = items.flatMap(({ report }) => report.tail.map((piece) => ({ ...report, ...piece })));
      const packed = packPieces(tails, settings.outputHeadBytes);
      const values = [...appendValues(packed, settings), `[${items.map(({ json }) => json).join(",")}]`];
      const rows = await sql.rows<ResultRow>({ name: "result", text: result, values });
      hub.changed(rows.flatMap(eventsOf));
      const byId = new Map(rows.map((row) => [row.id, row]));
      const retried = items.filter(({ report }) => byId.get(report.commandId)?.verdict === "retried");
      signals.wake(retried.map(({ report }) => ({ agentId: report.agentId, holder: serverId })));
      return items.map(({ report }) => outcomeOf(byId.get(report.commandId)));
    },
  });
  return (report) => batch({ report, json: toJson(report) });
}

function hasMoved(row: ResultRow): row is MovedRow {
  return row.verdict === "applied" || row.verdict === "retried";
}

function outcomeOf(row: ResultRow | undefined): ResultOutcome {
  if (row === undefined) return { kind: "unknown" };
  if (row.verdict !== "applied") return { kind: row.verdict };
  return { kind: "applied", status: hasMoved(row) ? row.status : "failed" };
}

function eventsOf(row: ResultRow): WatchEvent[] {
  if (!hasMoved(row)) return [];
  const state: WatchEvent = {
    kind: "state",
    commandId: row.id,
    status: row.status,
    revision: row.revision,
    change: toChange(row),
  };
  return row.grew ? [{ kind: "output", commandId: row.id, end: row.output_end }, state] : [state];
}

function toJson(report: ResultReport): string {
  const status = statusOf(report.outcome, report.exitCode);
  const ran = report.exitCode >= 0;
  const exitCode = ran ? report.exitCode : null;
  const error = report.error ?? (report.outcome === "exited" ? null : report.outcome);
  const { errorMessage, outputBytes, leftRunning } = report;
  // Nothing ran to an end, and nobody knows how long it did.
  const durationMs = ran || report.durationMs > 0 ? Math.round(report.durationMs) : null;
  return cleanJson({
    command_id: report.commandId,
    agent_id: report.agentId,
    ledger_id: report.ledgerId,
    attempt: report.attempt,
    assign_no: report.assignNo,
    recorded: report.recorded,
    status,
    retry_reason: retryReasonOf(report.outcome, report.exitCode, report.error),
    exit_code: exitCode,
    error,
    error_message: errorMessage,
    duration_ms: durationMs,
    output_bytes: outputBytes,
    started_ago_ms: ran || report.startedAgoMs > 0 ? report.startedAgoMs : null,
    left_running: leftRunning.length > 0 ? leftRunning : null,
    // Its output isn't kept any more.
    late: { status, exitCode, error, errorMessage, durationMs, outputBytes, truncated: outputBytes > 0, leftRunning },
  });
}
