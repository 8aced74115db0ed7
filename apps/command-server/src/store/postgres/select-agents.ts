import type { JsonObject } from "../../commands/command.ts";
import type { AgentSelection, Candidate, LoadedCandidate, Page } from "../command-store.ts";
import { decodeId, toPage } from "../pages.ts";
import type { Sql } from "./sql.ts";

interface CandidateRow {
  agent_id: string;
  online: boolean;
  draining: boolean;
  offers: boolean;
  /** Of the schema; null where there is none. */
  schema_hash: string | null;
  /** With the first agent of each hash. */
  schema: JsonObject | null;
}

interface LoadedRow extends CandidateRow {
  load: number;
  queued: number;
}

type Param = (value: unknown) => string;

/** Conditions on `agents a` and its session `s`. */
function conditionsOf(selection: AgentSelection, param: Param): string {
  const { companyId, fleet, labels, capabilities, online } = selection;
  const conditions = [`a.company_id = ${param(companyId)}`, "a.revoked_at IS NULL"];
  if (fleet !== undefined) conditions.push(`a.fleet = ${param(fleet)}`);
  if (labels !== undefined) conditions.push(`a.labels @> ${param(JSON.stringify(labels))}::jsonb`);
  if (capabilities !== undefined && capabilities.length > 0) {
    const types = capabilities.map((type) => ({ type }));
    conditions.push(`a.types @> ${param(JSON.stringify(types))}::jsonb`);
  }
  if (online === true) conditions.push("s.connected");
  return conditions.join(" AND ");
}

/** Of `agents a` and its session `s`: by its own word, or an operator's wish. */
const isDraining = "(a.draining OR s.drain_requested_at IS NOT NULL)";

/** What agent `agent` announced of a type: at most one row. */
function announced(agent: string, type: string): string {
  return `SELECT nullif(e->'parametersSchema', 'null'::jsonb) AS schema FROM jsonb_array_elements(${agent}.types) e
    WHERE e->>'type' = ${type} LIMIT 1`;
}

/**
 * The agents of a CTE `page` (agent_id, types, online, draining, place, and `more` columns) with what they announced. A
 * schema is sent with the first agent of those that have the same: it may be large, and the agents many.
 */
function withOffers(offering: string | null, param: Param, more = ""): string {
  if (offering === null) {
    return `SELECT p.agent_id, p.online, p.draining, false AS offers, NULL AS schema_hash, NULL AS schema${more}
      FROM page p ORDER BY p.place`;
  }
  const type = param(offering);
  return `
    SELECT o.*, first.schema FROM (
      SELECT p.agent_id, p.online, p.draining, p.place, found.hash IS NOT NULL AS offers,
        nullif(found.hash, '') AS schema_hash${more},
        row_number() OVER (PARTITION BY found.hash ORDER BY p.place) = 1 AS is_first
      FROM page p
      LEFT JOIN LATERAL (SELECT coalesce(md5(t.schema::text), '') AS hash FROM (${announced("p", type)}) t) found ON true
    ) o LEFT JOIN LATERAL (
      SELECT t.schema FROM agents a, LATERAL (${announced("a", type)}) t WHERE a.agent_id = o.agent_id LIMIT 1
    ) first ON o.is_first ORDER BY o.place`;
}

/** Ordered by agent id. Throws `invalid_cursor`. */
export async function selectAgents(
  sql: Sql,
  query: AgentSelection & { offering: string | null; limit: number; cursor: string | null },
): Promise<Page<Candidate>> {
  const values: unknown[] = [];
  const param: Param = (value) => `$${values.push(value)}`;
  const after = query.cursor === null ? "" : `AND a.agent_id > ${param(decodeId(query.cursor))}`;
  const text = `
    WITH page AS (
      SELECT a.agent_id, a.types, ${isDraining} AS draining, coalesce(s.connected, false) AS online, a.agent_id AS place
      FROM agents a LEFT JOIN agent_sessions s ON s.agent_id = a.agent_id
      WHERE ${conditionsOf(query, param)} ${after}
      ORDER BY a.agent_id LIMIT ${param(query.limit + 1)}
    ) ${withOffers(query.offering, param)}`;
  const rows = await sql.rows<CandidateRow>({ text, values });
  const schemas = schemasOf(rows);
  const page = toPage(rows, query.limit, ({ agent_id }) => agent_id);
  return { items: page.items.map((row) => toCandidate(row, schemas)), nextCursor: page.nextCursor };
}

/** The load is counted from the commands themselves: heartbeats say it up to some seconds late. */
export async function leastLoadedAgents(
  sql: Sql,
  query: AgentSelection & { offering: string | null; limit: number },
): Promise<LoadedCandidate[]> {
  const values: unknown[] = [];
  const param: Param = (value) => `$${values.push(value)}`;
  const text = `
    WITH loaded AS (
      SELECT a.agent_id, false AS draining, s.connected AS online, coalesce(s.load1, 0) AS load1,
        (SELECT count(*) FROM commands c WHERE c.agent_id = a.agent_id AND c.status = 'assigned')::float8
          / greatest(a.concurrency, 1) AS load,
        (SELECT count(*) FROM commands c WHERE c.agent_id = a.agent_id AND c.company_id = a.company_id
          AND c.status = 'queued') AS queued
      FROM agents a JOIN agent_sessions s ON s.agent_id = a.agent_id
      WHERE ${conditionsOf({ ...query, online: true }, param)} AND NOT ${isDraining}
    ), least AS (
      SELECT l.*, row_number() OVER (ORDER BY l.load, l.queued, l.load1, l.agent_id) AS place FROM loaded l
      ORDER BY place LIMIT ${param(query.limit)}
    ), page AS (
      SELECT l.*, (SELECT a.types FROM agents a WHERE a.agent_id = l.agent_id) AS types FROM least l
    ) ${withOffers(query.offering, param, ", p.load, p.queued")}`;
  const rows = await sql.rows<LoadedRow>({ text, values });
  const schemas = schemasOf(rows);
  return rows.map((row) => ({ ...toCandidate(row, schemas), load: row.load, queued: row.queued }));
}

function schemasOf(rows: readonly CandidateRow[]): Map<string, JsonObject> {
  const schemas = new Map<string, JsonObject>();
  for (const { schema_hash, schema } of rows) {
    if (schema_hash !== null && schema !== null) schemas.set(schema_hash, schema);
  }
  return schemas;
}

function toCandidate(row: CandidateRow, schemas: ReadonlyMap<string, JsonObject>): Candidate {
  const { agent_id: agentId, online, draining, offers, schema_hash } = row;
  return { agentId, online, draining, offers, parametersSchema: schemas.get(schema_hash ?? "") ?? null };
}
