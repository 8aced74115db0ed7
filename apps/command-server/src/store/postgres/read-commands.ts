import type { Command } from "../../commands/command.ts";
import type { ListCommands, Page } from "../command-store.ts";
import { decodeId, toPage } from "../pages.ts";
import { commandColumns, toCommand, type CommandRow } from "./rows.ts";
import type { Sql } from "./sql.ts";

const one = `SELECT ${commandColumns} FROM commands c WHERE c.id = $1 AND c.company_id = $2`;

const live = `SELECT count(*) FILTER (WHERE status = 'queued') AS queued, count(*) FILTER (WHERE status = 'assigned') AS assigned
  FROM commands WHERE status IN ('queued', 'assigned')`;
const depthMaxAgeMs = 10_000;

/** One command of this company, or null. */
export async function getCommand(sql: Sql, companyId: string, commandId: string): Promise<Command | null> {
  const [row] = await sql.rows<CommandRow>({ name: "get-command", text: one, values: [commandId, companyId] });
  return row ? toCommand(row) : null;
}

/**
 * Ids are UUIDv7: newest first is the index read backwards. A page costs what it shows and what its filters skip.
 * Throws `invalid_cursor`.
 */
export async function listCommands(sql: Sql, query: ListCommands): Promise<Page<Command>> {
  const values: unknown[] = [];
  const param = (value: unknown) => `$${values.push(value)}`;
  const filters = [`c.company_id = ${param(query.companyId)}`];
  if (query.cursor !== null) filters.push(`c.id < ${param(decodeId(query.cursor))}`);
  if (query.agentId !== undefined) filters.push(`c.agent_id = ${param(query.agentId)}`);
  if (query.statuses !== undefined) filters.push(`c.status = ANY(${param(query.statuses)}::text[])`);
  if (query.type !== undefined) filters.push(`c.type = ${param(query.type)}`);
  const text = `SELECT ${commandColumns} FROM commands c WHERE ${filters.join(" AND ")}
    ORDER BY c.id DESC LIMIT ${param(query.limit + 1)}`;
  const rows = await sql.rows<CommandRow>({ text, values });
  return toPage(rows.map(toCommand), query.limit, ({ commandId }) => commandId);
}

/** Counts of live commands, at most 10 s old. */
export function createDepth(sql: Sql): () => Promise<{ queued: number; assigned: number }> {
  let known = { at: -Infinity, value: { queued: 0, assigned: 0 } };
  return async () => {
    if (performance.now() - known.at > depthMaxAgeMs) {
      const [value] = await sql.rows<{ queued: number; assigned: number }>({ name: "depth", text: live });
      if (value !== undefined) known = { at: performance.now(), value };
    }
    return known.value;
  };
}
