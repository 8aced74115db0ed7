import type { CommandStatus } from "../../commands/command.ts";
import type { Rollout } from "../../rollouts/rollout.ts";
import type { ListRollouts, Page, RolloutResult, RolloutResultsQuery, RolloutTarget } from "../command-store.ts";
import { decodeId, encodeId, refuseCursor, toPage } from "../pages.ts";
import { rolloutColumns, toRollout, type RolloutRow } from "./rollout-rows.ts";
import { commandColumns, toCommand, type CommandRow } from "./rows.ts";
import type { Sql } from "./sql.ts";

const one = `SELECT ${rolloutColumns} FROM rollouts r WHERE r.id = $1 AND ($2::text IS NULL OR r.company_id = $2)`;

/** Of this company, or of any; null where there is none. */
export async function readRollout(
  rows: Sql["rows"],
  rolloutId: string,
  companyId: string | null = null,
): Promise<Rollout | null> {
  const [row] = await rows<RolloutRow>({ name: "get-rollout", text: one, values: [rolloutId, companyId] });
  return row ? toRollout(row) : null;
}

/** Newest first: ids are UUIDv7. Throws `invalid_cursor`. */
export async function listRollouts(sql: Sql, query: ListRollouts): Promise<Page<Rollout>> {
  const values: unknown[] = [];
  const param = (value: unknown) => `$${values.push(value)}`;
  const filters = [`r.company_id = ${param(query.companyId)}`];
  if (query.cursor !== null) filters.push(`r.id < ${param(decodeId(query.cursor))}`);
  if (query.statuses !== undefined) filters.push(`r.status = ANY(${param(query.statuses)}::text[])`);
  const text = `SELECT ${rolloutColumns} FROM rollouts r WHERE ${filters.join(" AND ")}
    ORDER BY r.id DESC LIMIT ${param(query.limit + 1)}`;
  const rows = await sql.rows<RolloutRow>({ text, values });
  return toPage(rows.map(toRollout), query.limit, ({ rolloutId }) => rolloutId);
}

/** $1 rollout, $2 company, $3 the position read up to, $4 limit. */
const targets = `
SELECT t.position, t.agent_id, t.command_id, c.error,
  CASE WHEN t.position >= r.next_position THEN 'pending' ELSE coalesce(c.status, 'removed') END AS status
FROM rollouts r JOIN rollout_targets t ON t.rollout_id = r.id
LEFT JOIN LATERAL (SELECT status, error FROM commands WHERE id = t.command_id AND rollout_id = r.id LIMIT 1) c ON true
WHERE r.id = $1 AND r.company_id = $2 AND t.position > $3::int ORDER BY t.position LIMIT $4`;

interface TargetRow {
  position: number;
  agent_id: string;
  command_id: string;
  error: string | null;
  status: CommandStatus | "pending" | "removed";
}

/** Throws `invalid_cursor`. */
export async function rolloutTargets(
  sql: Sql,
  query: { companyId: string; rolloutId: string; limit: number; cursor: string | null },
): Promise<Page<RolloutTarget>> {
  const { companyId, rolloutId, limit, cursor } = query;
  const values = [rolloutId, companyId, positionOf(cursor), limit + 1];
  const rows = await sql.rows<TargetRow>({ name: "rollout-targets", text: targets, values });
  const page = toPage(rows, limit, ({ position }) => String(position));
  return {
    items: page.items.map(({ agent_id, command_id, status, error }) => ({
      agentId: agent_id,
      commandId: command_id,
      status,
      error,
    })),
    nextCursor: page.nextCursor,
  };
}

/**
 * The targets' commands in order, each looked up by its id: a page costs what it shows and what its filters skip.
 * Throws `invalid_cursor`.
 */
export async function rolloutResults(sql: Sql, query: RolloutResultsQuery): Promise<Page<RolloutResult>> {
  const values: unknown[] = [query.rolloutId, query.companyId, positionOf(query.cursor), query.outputBytes];
  const param = (value: unknown) => `$${values.push(value)}`;
  const filters: string[] = [];
  if (query.agentId !== undefined) filters.push(`t.agent_id = ${param(query.agentId)}`);
  if (query.statuses !== undefined) filters.push(`c.status = ANY(${param(query.statuses)}::text[])`);
  if (query.exitCode !== undefined) filters.push(`c.exit_code = ${param(query.exitCode)}::int`);
  const text = `
    SELECT t.position, ${commandColumns}, (
      SELECT substring(string_agg(o.data, ''::bytea ORDER BY o.first_byte) FROM 1 FOR $4::int) FROM command_output o
      WHERE o.command_id = c.id AND o.attempt = c.attempt AND o.first_byte < $4::bigint
    ) AS output
    FROM rollouts r JOIN rollout_targets t ON t.rollout_id = r.id AND t.position < r.next_position
    JOIN LATERAL (SELECT * FROM commands WHERE id = t.command_id AND rollout_id = r.id LIMIT 1) c ON true
    WHERE r.id = $1 AND r.company_id = $2 AND t.position > $3::int ${filters.map((filter) => `AND ${filter}`).join(" ")}
    ORDER BY t.position LIMIT ${param(query.limit + 1)}`;
  const rows = await sql.rows<CommandRow & { position: number; output: Buffer | null }>({ text, values });
  const page = toPage(rows, query.limit, ({ position }) => String(position));
  return {
    items: page.items.map((row) => ({
      command: toCommand(row),
      output: row.output ?? Buffer.alloc(0),
      cursor: encodeId(String(row.position)),
    })),
    nextCursor: page.nextCursor,
  };
}

/** Before the first one without a cursor. Throws `invalid_cursor`. */
function positionOf(cursor: string | null): number {
  if (cursor === null) return -1;
  const text = decodeId(cursor);
  return /^\d{1,9}$/.test(text) ? Number(text) : refuseCursor();
}
