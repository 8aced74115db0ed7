import { createBatcher } from "../batcher.ts";
import type { AgentProfile, DisconnectReason, SessionHeartbeat, StaleSession } from "../command-store.ts";
import type { StoreContext } from "./context.ts";
import { connectionEntries } from "./feed-entries.ts";
import { profileValues, updateProfileStatement } from "./profile.ts";
import { isUnavailable } from "../errors.ts";
import { cleanText } from "../text.ts";

/**
 * $1 agents (distinct), $2 epochs, $3 running, $4 load, $5 free memory, $6 this server. Out: per agent whether its session
 * is current, and whether a newer one took its place.
 */
const beat = `
WITH beat AS (
  SELECT * FROM unnest($1::text[], $2::bigint[], $3::int[], $4::float8[], $5::bigint[]) AS b(agent_id, epoch, running, load1, free)
), current AS MATERIALIZED (
  SELECT s.agent_id, b.running, b.load1, b.free FROM agent_sessions s JOIN beat b ON b.agent_id = s.agent_id
  WHERE s.epoch = b.epoch AND s.server_id = $6 AND s.connected ORDER BY s.agent_id FOR NO KEY UPDATE OF s
), seen AS (
  UPDATE agent_sessions s SET seen_at = clock_timestamp(), running = c.running, load1 = c.load1, free_memory_bytes = c.free
  FROM current c WHERE s.agent_id = c.agent_id
)
SELECT b.agent_id, c.agent_id IS NOT NULL AS current,
  (SELECT n.epoch > b.epoch FROM agent_sessions n WHERE n.agent_id = b.agent_id) AS replaced
FROM beat b LEFT JOIN current c ON c.agent_id = b.agent_id`;

/** $1 agent, $2 epoch, $3 this server, $4 reason, $5 detail. */
const close = `
WITH ended AS (
  UPDATE agent_sessions SET connected = false, disconnected_at = clock_timestamp(), disconnect_reason = $4,
    disconnect_detail = $5, running = NULL, load1 = NULL, free_memory_bytes = NULL
  WHERE agent_id = $1 AND epoch = $2 AND server_id = $3 AND connected
  RETURNING agent_id, company_id, epoch, server_id, disconnect_reason
), fed AS (${connectionEntries("agent.disconnected", "ended")})
SELECT agent_id FROM ended`;

interface BeatRow {
  agent_id: string;
  current: boolean;
  /** Null: there is no such agent. */
  replaced: boolean | null;
}

export function staleSession(agentId: string, replaced: boolean): StaleSession {
  return { agentId, why: replaced ? "superseded" : "session_lost" };
}

/** Repeatable. Resolves to the sessions that aren't current any more, in the order of `beats`. */
export function createHeartbeat({ sql, serverId, signals }: StoreContext) {
  const one = createBatcher<SessionHeartbeat, StaleSession | null>({
    keysOf: ({ agentId }) => [agentId],
    concernsAll: isUnavailable,
    maxItems: 1000,
    async run(beats) {
      const values = [
        beats.map(({ agentId }) => agentId),
        beats.map(({ epoch }) => epoch),
        beats.map(({ running }) => running),
        beats.map(({ load1 }) => load1),
        beats.map(({ freeMemoryBytes }) => freeMemoryBytes),
        serverId,
      ];
      const rows = await sql.rows<BeatRow>({ name: "heartbeat", text: beat, values });
      const stale = rows
        .filter(({ current }) => !current)
        .map((row) => staleSession(row.agent_id, row.replaced === true));
      const byAgent = new Map(stale.map((session) => [session.agentId, session]));
      return beats.map(({ agentId }) => byAgent.get(agentId) ?? null);
    },
  });
  return async (beats: readonly SessionHeartbeat[]): Promise<StaleSession[]> => {
    const stale = (await Promise.all(beats.map(one))).filter((session) => session !== null);
    for (const { agentId } of stale) signals.release(agentId);
    return stale;
  };
}

/** No effect when the session isn't current. Repeatable. */
export async function updateProfile(
  { sql, serverId }: StoreContext,
  agentId: string,
  epoch: number,
  profile: AgentProfile,
): Promise<void> {
  const values = [...profileValues(agentId, profile), epoch, serverId];
  await sql.rows({ name: "profile-update", text: updateProfileStatement, values });
}

/** Repeatable; its commands stay assigned until the agent comes back or their time is over. */
export async function closeSession(
  { sql, serverId, signals, hub }: StoreContext,
  agentId: string,
  epoch: number,
  reason: DisconnectReason,
  detail: string | null,
): Promise<void> {
  const values = [agentId, epoch, serverId, reason, detail === null ? null : cleanText(detail)];
  const closed = await sql.rows({ name: "session-close", text: close, values });
  if (closed.length === 0) return;
  signals.release(agentId);
  hub.feedGrew();
}
