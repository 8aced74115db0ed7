import { createBatcher } from "../batcher.ts";
import type { AgentProfile, DisconnectReason, SessionHeartbeat, StaleSession } from "../command-store.ts";
import type { StoreContext } from "./context.ts";
import { profileValues, updateProfileStatement } from "./profile.ts";
import { endedColumns, endSession, sessionEnds } from "./session-log.ts";
import { isUnavailable } from "../errors.ts";
import { cleanText } from "../text.ts";

/**
 * $1 agents (distinct), $2 epochs, $3 running, $4 load, $5 free memory, $6 this server. Out: per agent whether its session
 * is current.
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
SELECT b.agent_id, b.epoch, c.agent_id IS NOT NULL AS current
FROM beat b LEFT JOIN current c ON c.agent_id = b.agent_id`;

/** $1 agents (distinct), $2 epochs, $3 this server, $4 reasons, $5 details. In order, so that batches don't deadlock. */
const close = `
WITH ending AS (
  SELECT * FROM unnest($1::text[], $2::bigint[], $4::text[], $5::text[]) AS e(agent_id, epoch, reason, detail)
), current AS MATERIALIZED (
  SELECT s.agent_id, e.reason, e.detail FROM agent_sessions s JOIN ending e ON e.agent_id = s.agent_id
  WHERE s.epoch = e.epoch AND s.server_id = $3 AND s.connected ORDER BY s.agent_id FOR NO KEY UPDATE OF s
), ended AS (
  UPDATE agent_sessions s SET ${endSession("c.reason", "c.detail")}
  FROM current c WHERE s.agent_id = c.agent_id
  RETURNING ${endedColumns}
), ${sessionEnds("ended")}
SELECT agent_id FROM ended`;

interface BeatRow {
  agent_id: string;
  epoch: number;
  current: boolean;
}

/** The epochs of agents $1. */
const epochs = "SELECT agent_id, epoch FROM agent_sessions WHERE agent_id = ANY($1::text[])";

/**
 * Why sessions aren't current: by a statement of its own, since the one that found it may have waited for the very session
 * that took over, and still see what was before it.
 */
export async function judgeStale(
  { sql, signals }: StoreContext,
  sessions: readonly { agent_id: string; epoch: number }[],
): Promise<StaleSession[]> {
  if (sessions.length === 0) return [];
  const values = [sessions.map(({ agent_id }) => agent_id)];
  const rows = await sql.rows<{ agent_id: string; epoch: number }>({ name: "session-epochs", text: epochs, values });
  const now = new Map(rows.map(({ agent_id, epoch }) => [agent_id, epoch]));
  return sessions.map(({ agent_id, epoch }) => {
    signals.release(agent_id);
    return { agentId: agent_id, why: (now.get(agent_id) ?? 0) > epoch ? "superseded" : "session_lost" };
  });
}

/** Repeatable. Resolves to the sessions that aren't current any more, in the order of `beats`. */
export function createHeartbeat(context: StoreContext) {
  const { sql, serverId } = context;
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
      const stale = await judgeStale(
        context,
        rows.filter(({ current }) => !current),
      );
      const byAgent = new Map(stale.map((session) => [session.agentId, session]));
      return beats.map(({ agentId }) => byAgent.get(agentId) ?? null);
    },
  });
  return async (beats: readonly SessionHeartbeat[]): Promise<StaleSession[]> => {
    return (await Promise.all(beats.map(one))).filter((session) => session !== null);
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

interface SessionEnd {
  agentId: string;
  epoch: number;
  reason: DisconnectReason;
  detail: string | null;
}

/** Repeatable; the sessions' commands stay assigned until the agents come back or their time is over. */
export function createCloseSession({ sql, serverId, signals, hub }: StoreContext) {
  const one = createBatcher<SessionEnd, void>({
    keysOf: ({ agentId }) => [agentId],
    concernsAll: isUnavailable,
    maxItems: 500,
    async run(ends) {
      const values = [
        ends.map(({ agentId }) => agentId),
        ends.map(({ epoch }) => epoch),
        serverId,
        ends.map(({ reason }) => reason),
        ends.map(({ detail }) => (detail === null ? null : cleanText(detail))),
      ];
      const closed = await sql.rows<{ agent_id: string }>({ name: "session-close", text: close, values });
      for (const { agent_id } of closed) signals.release(agent_id);
      if (closed.length > 0) hub.feedGrew();
      return ends.map(() => {});
    },
  });
  return (agentId: string, epoch: number, reason: DisconnectReason, detail: string | null): Promise<void> =>
    one({ agentId, epoch, reason, detail });
}
