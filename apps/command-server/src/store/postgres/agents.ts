import type { JsonObject } from "../../commands/command.ts";
import type { Agent, DisconnectReason, Page } from "../command-store.ts";
import type { StoreContext } from "./context.ts";
import { connectionEntries } from "./feed-entries.ts";
import { decodeId, toPage } from "./read-commands.ts";
import type { Sql } from "./sql.ts";
import { cleanJson } from "./text.ts";

const agentRows = `
SELECT a.agent_id, a.company_id, a.fleet, a.labels, a.types, a.concurrency, a.hostname, a.platform, a.version, a.draining,
  a.facts, a.enrolled_at, s.epoch, s.server_id, s.connected_at, s.seen_at, s.disconnected_at, s.disconnect_reason,
  s.disconnect_detail, s.running, s.load1, s.free_memory_bytes,
  CASE WHEN a.revoked_at IS NOT NULL THEN 'revoked' WHEN s.connected THEN 'online' ELSE 'offline' END AS status
FROM agents a JOIN agent_sessions s ON s.agent_id = a.agent_id`;

interface AgentRow {
  agent_id: string;
  company_id: string;
  fleet: string;
  labels: Record<string, string>;
  types: Agent["types"];
  concurrency: number;
  hostname: string;
  platform: string;
  version: string;
  draining: boolean;
  facts: JsonObject | null;
  enrolled_at: Date;
  epoch: number;
  server_id: string | null;
  connected_at: Date | null;
  seen_at: Date | null;
  disconnected_at: Date | null;
  disconnect_reason: DisconnectReason | null;
  disconnect_detail: string | null;
  running: number | null;
  load1: number | null;
  free_memory_bytes: number | null;
  status: Agent["status"];
}

/** For checking a hello; of any company. */
export async function agentKey(sql: Sql, agentId: string) {
  const [row] = await sql.rows<{ public_key: Buffer; company_id: string; revoked: boolean }>({
    name: "agent-key",
    text: "SELECT public_key, company_id, revoked_at IS NOT NULL AS revoked FROM agents WHERE agent_id = $1",
    values: [agentId],
  });
  return row ? { publicKey: row.public_key, companyId: row.company_id, revoked: row.revoked } : null;
}

export async function getAgent(sql: Sql, companyId: string, agentId: string): Promise<Agent | null> {
  const text = `${agentRows} WHERE a.agent_id = $1 AND a.company_id = $2`;
  const [row] = await sql.rows<AgentRow>({ name: "agent", text, values: [agentId, companyId] });
  return row ? toAgent(row) : null;
}

export interface ListAgents {
  companyId: string;
  fleet?: string;
  status?: Agent["status"];
  /** All of them. */
  labels?: Record<string, string>;
  limit: number;
  cursor: string | null;
}

/** Ordered by agent id. Throws `invalid_cursor`. */
export async function listAgents(sql: Sql, query: ListAgents): Promise<Page<Agent>> {
  const values: unknown[] = [];
  const param = (value: unknown) => `$${values.push(value)}`;
  const filters = [`a.company_id = ${param(query.companyId)}`];
  if (query.cursor !== null) filters.push(`a.agent_id > ${param(decodeId(query.cursor))}`);
  if (query.fleet !== undefined) filters.push(`a.fleet = ${param(query.fleet)}`);
  if (query.labels !== undefined) filters.push(`a.labels @> ${param(cleanJson(query.labels))}::jsonb`);
  if (query.status !== undefined) {
    filters.push(query.status === "revoked" ? "a.revoked_at IS NOT NULL" : "a.revoked_at IS NULL");
    if (query.status !== "revoked") filters.push(query.status === "online" ? "s.connected" : "NOT s.connected");
  }
  const text = `${agentRows} WHERE ${filters.join(" AND ")} ORDER BY a.agent_id LIMIT ${param(query.limit + 1)}`;
  const rows = await sql.rows<AgentRow>({ text, values });
  return toPage(rows.map(toAgent), query.limit, ({ agentId }) => agentId);
}

/** $1 agent, $2 company. Ends its session in the same step, so that the holder finds it stale even if no signal comes. */
const revoke = `
WITH revoked AS (
  UPDATE agents SET revoked_at = coalesce(revoked_at, clock_timestamp()) WHERE agent_id = $1 AND company_id = $2
  RETURNING agent_id
), ended AS (
  UPDATE agent_sessions s SET connected = false, disconnected_at = clock_timestamp(), disconnect_reason = 'revoked',
    disconnect_detail = NULL, running = NULL, load1 = NULL, free_memory_bytes = NULL
  FROM revoked r WHERE s.agent_id = r.agent_id AND s.connected
  RETURNING s.agent_id, s.company_id, s.epoch, s.server_id, s.disconnect_reason
), fed AS (${connectionEntries("agent.disconnected", "ended")})
SELECT e.epoch, e.server_id FROM revoked r LEFT JOIN ended e ON e.agent_id = r.agent_id`;

/** Repeatable. False when the company has no such agent. */
export async function revokeAgent(context: StoreContext, companyId: string, agentId: string): Promise<boolean> {
  const { sql, hub, signals } = context;
  const [row] = await sql.transaction(async (rows) => {
    // A session that is being opened waits here, and then finds the agent revoked.
    await rows({ text: "SELECT FROM agent_sessions WHERE agent_id = $1 FOR NO KEY UPDATE", values: [agentId] });
    return rows<{ epoch: number | null; server_id: string | null }>({ text: revoke, values: [agentId, companyId] });
  });
  if (row === undefined) return false;
  if (row.epoch !== null) {
    hub.feedGrew();
    signals.drop({ agentId, holder: row.server_id, epoch: row.epoch }, "revoked");
    signals.release(agentId);
  }
  return true;
}

/** What FACTS found; the agent's own words. Repeatable. */
export async function putFacts(sql: Sql, agentId: string, facts: JsonObject): Promise<void> {
  const text = "UPDATE agents SET facts = $2::jsonb WHERE agent_id = $1";
  await sql.rows({ name: "agent-facts", text, values: [agentId, cleanJson(facts)] });
}

const onlineMaxAgeMs = 10_000;
const online = `SELECT a.fleet, count(*) AS agents FROM agent_sessions s JOIN agents a ON a.agent_id = s.agent_id
  WHERE s.connected GROUP BY a.fleet`;

/** Agents online by fleet, at most 10 s old. */
export function createOnlineByFleet(sql: Sql): () => Promise<Map<string, number>> {
  let known = { at: -Infinity, value: new Map<string, number>() };
  return async () => {
    if (performance.now() - known.at > onlineMaxAgeMs) {
      const rows = await sql.rows<{ fleet: string; agents: number }>({ name: "online-by-fleet", text: online });
      known = { at: performance.now(), value: new Map(rows.map(({ fleet, agents }) => [fleet, agents])) };
    }
    return known.value;
  };
}

function toAgent(row: AgentRow): Agent {
  const { running, load1, free_memory_bytes: freeMemoryBytes } = row;
  return {
    agentId: row.agent_id,
    companyId: row.company_id,
    fleet: row.fleet,
    labels: row.labels,
    types: row.types,
    concurrency: row.concurrency,
    hostname: row.hostname,
    platform: row.platform,
    version: row.version,
    facts: row.facts,
    status: row.status,
    draining: row.draining,
    epoch: row.epoch,
    serverId: row.status === "online" ? row.server_id : null,
    enrolledAt: row.enrolled_at,
    connectedAt: row.connected_at,
    lastSeenAt: row.seen_at,
    disconnectedAt: row.disconnected_at,
    disconnectReason: row.disconnect_reason,
    disconnectDetail: row.disconnect_detail,
    load: running === null || load1 === null || freeMemoryBytes === null ? null : { running, load1, freeMemoryBytes },
  };
}
