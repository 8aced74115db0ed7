import { createBatcher } from "../batcher.ts";
import type { RefusedOutcome, RefusedReport, StartedOutcome, StartedReport } from "../command-store.ts";
import type { StoreContext } from "./context.ts";
import { commandEntries, entryColumns } from "./feed-entries.ts";
import { ledgerNotes } from "./ledger-notes.ts";
import { isUnavailable } from "../errors.ts";

// Both answers to an assignment take the same input: $1 command ids (distinct), $2 agents, $3 ledgers, $4 attempts,
// $5 assignment numbers, $6 whether a synced ledger row stands behind the report. A report speaks of a command's
// current run only when all of these agree. Rows are looked up by id alone, since by their state the planner might walk
// every live command, and locked in order of id, so that batches never deadlock.
const reports = `unnest($1::text[], $2::text[], $3::text[], $4::int[], $5::bigint[], $6::boolean[])
    AS r(command_id, agent_id, ledger_id, attempt, assign_no, recorded)`;
const held = `held AS MATERIALIZED (
  SELECT c.id, c.agent_id, c.ledger_id, c.attempt, c.assign_no, c.status, c.started_at, c.cancel_requested_at
  FROM commands c WHERE c.id = ANY($1::text[]) ORDER BY c.id FOR NO KEY UPDATE
)`;
const sameRun = `h.id = r.command_id AND h.agent_id = r.agent_id AND h.ledger_id = r.ledger_id
    AND h.attempt = r.attempt AND h.assign_no = r.assign_no`;

/** The first report of a run dates it and sets its deadline ($7: grace in ms); another one changes nothing. */
const started = `
WITH report AS (SELECT * FROM ${reports}), ${held}, run AS (
  SELECT h.id, h.started_at FROM held h JOIN report r ON ${sameRun} WHERE h.status = 'assigned'
), dated AS (
  UPDATE commands c SET started_at = clock_timestamp(),
    due_at = clock_timestamp() + (c.timeout_ms + $7::float8) * interval '1 ms'
  FROM run WHERE c.id = run.id AND run.started_at IS NULL
), ${ledgerNotes("report")}
SELECT id FROM run`;

/** Back to the queue, or cancelled where that was asked for ($7: the agent refused because of a Cancel). */
const refused = `
WITH report AS (SELECT r.*, asked FROM ${reports} JOIN unnest($1::text[], $7::boolean[]) AS a(id, asked) ON a.id = r.command_id),
${held}, run AS (
  SELECT h.id, h.status, h.started_at, r.asked OR h.cancel_requested_at IS NOT NULL AS cancelled
  FROM held h JOIN report r ON ${sameRun}
), moved AS (
  UPDATE commands c SET revision = c.revision + 1, assigned_at = NULL,
    status = CASE WHEN run.cancelled THEN 'cancelled' ELSE 'queued' END,
    finished_at = CASE WHEN run.cancelled THEN clock_timestamp() END,
    due_at = CASE WHEN run.cancelled THEN NULL ELSE c.expires_at END,
    error = CASE WHEN run.cancelled THEN 'cancelled' END,
    answered = run.cancelled
  FROM run WHERE c.id = run.id AND run.status = 'assigned' AND run.started_at IS NULL
  RETURNING ${entryColumns}
), fed AS (${commandEntries("moved")}), ${ledgerNotes("report")}
SELECT run.id, m.revision, coalesce(m.status, run.status) AS status
FROM run LEFT JOIN moved m ON m.id = run.id`;

/** Repeatable: the same report again answers the same and changes nothing. */
export function createStarted({ sql, settings }: StoreContext): (report: StartedReport) => Promise<StartedOutcome> {
  return createBatcher<StartedReport, StartedOutcome>({
    keysOf: ({ commandId }) => [commandId],
    concernsAll: isUnavailable,
    async run(items) {
      const values = [...columns(items), settings.timeoutGraceMs];
      const rows = await sql.rows<{ id: string }>({ name: "started", text: started, values });
      const applied = new Set(rows.map(({ id }) => id));
      return items.map(({ commandId }) => (applied.has(commandId) ? "applied" : "stale"));
    },
  });
}

interface RefusedRow {
  id: string;
  revision: number | null;
  status: string;
}

/** Repeatable, as long as the command hasn't been assigned anew; then it is `stale`. */
export function createRefused({ sql, hub }: StoreContext): (report: RefusedReport) => Promise<RefusedOutcome> {
  return createBatcher<RefusedReport, RefusedOutcome>({
    keysOf: ({ commandId }) => [commandId],
    concernsAll: isUnavailable,
    async run(items) {
      const values = [...columns(items), items.map(({ reason }) => reason === "cancelled")];
      const rows = await sql.rows<RefusedRow>({ name: "refused", text: refused, values });
      const byId = new Map(rows.map((row) => [row.id, row]));
      hub.changed(
        rows.flatMap(({ id, status, revision }) =>
          revision === null
            ? []
            : [{ kind: "state", commandId: id, status: status === "queued" ? "queued" : "cancelled", revision }],
        ),
      );
      return items.map(({ commandId }) => outcomeOf(byId.get(commandId)?.status));
    },
  });
}

function outcomeOf(status: string | undefined): RefusedOutcome {
  if (status === "queued") return "requeued";
  return status === "cancelled" ? "cancelled" : "stale";
}

function columns(items: readonly StartedReport[]): unknown[] {
  return [
    items.map(({ commandId }) => commandId),
    items.map(({ agentId }) => agentId),
    items.map(({ ledgerId }) => ledgerId),
    items.map(({ attempt }) => attempt),
    items.map(({ assignNo }) => assignNo),
    items.map(({ recorded }) => recorded),
  ];
}
