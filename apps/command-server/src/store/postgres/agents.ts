import type { JsonObject } from "../../commands/command.ts";
import { createBatcher } from "../batcher.ts";
import { isUnavailable } from "../errors.ts";
import type { StoreContext } from "./context.ts";
import { endedColumns, endSession, sessionEnds } from "./session-log.ts";
import type { Sql } from "./sql.ts";
import { cleanJson } from "../text.ts";

interface KeyRow {
  agent_id: string;
  public_key: Buffer;
  company_id: string;
  revoked: boolean;
}

/** For checking hellos, those that come at once together; of any company. */
export function createAgentKey(sql: Sql) {
  const text = `SELECT agent_id, public_key, company_id, revoked_at IS NOT NULL AS revoked FROM agents
    WHERE agent_id = ANY($1::text[])`;
  return createBatcher<string, { publicKey: Buffer; companyId: string; revoked: boolean } | null>({
    concernsAll: isUnavailable,
    async run(agentIds) {
      const rows = await sql.rows<KeyRow>({ name: "agent-key", text, values: [agentIds] });
      const byId = new Map(rows.map((row) => [row.agent_id, row]));
      return agentIds.map((agentId) => {
        const row = byId.get(agentId);
        return row ? { publicKey: row.public_key, companyId: row.company_id, revoked: row.revoked } : null;
      });
    },
  });
}

/** $1 agent, $2 company. Ends its session in the same step, so that the holder finds it stale even if no signal comes. */
const revoke = `
WITH revoked AS (
  UPDATE agents SET revoked_at = coalesce(revoked_at, clock_timestamp()) WHERE agent_id = $1 AND company_id = $2
  RETURNING agent_id
), ended AS (
  UPDATE agent_sessions s SET ${endSession("'revoked'", "NULL")}
  FROM revoked r WHERE s.agent_id = r.agent_id AND s.connected
  RETURNING ${endedColumns}
), ${sessionEnds("ended")}
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

/** $1 agent, $2 company, $3 wanted. Waits for a statement that is assigning to the agent; the next one sees it. */
const drain = `
UPDATE agent_sessions SET drain_requested_at = CASE WHEN $3 THEN coalesce(drain_requested_at, clock_timestamp()) END
WHERE agent_id = $1 AND company_id = $2 RETURNING CASE WHEN connected THEN server_id END AS holder`;

/** Repeatable. False when the company has no such agent. */
export async function requestDrain(
  { sql, signals }: StoreContext,
  companyId: string,
  agentId: string,
  wanted: boolean,
): Promise<boolean> {
  const values = [agentId, companyId, wanted];
  const [row] = await sql.rows<{ holder: string | null }>({ name: "agent-drain", text: drain, values });
  if (row === undefined) return false;
  if (!wanted) signals.wake([{ agentId, holder: row.holder }]);
  return true;
}

/** The agent's own words. Repeatable. */
export async function putFacts(sql: Sql, agentId: string, facts: JsonObject): Promise<void> {
  const text = "UPDATE agents SET facts = $2::jsonb, facts_at = clock_timestamp() WHERE agent_id = $1";
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
