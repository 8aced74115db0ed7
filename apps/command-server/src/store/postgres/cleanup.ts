import type { StoreSettings } from "../settings.ts";
import type { Sql } from "./sql.ts";

/** Rows removed in one round: short transactions, whatever has piled up. */
const commandsPerRound = 500;
const rolloutsPerRound = 100;
const targetsPerRound = 10_000;
const feedPerRound = 5_000;
const sessionsPerRound = 5_000;
const tokenKeepMs = 24 * 3600 * 1000;

/**
 * Records that ended more than $1 ms ago, with their output and their idempotency keys; those of a rollout not before its
 * counts are final. Each table is asked for these ids as an array: joined, the planner may prefer to read it whole, round
 * after round.
 */
const oldCommands = `
WITH old AS MATERIALIZED (
  SELECT id FROM commands c WHERE finished_at IS NOT NULL AND finished_at < statement_timestamp() - $1::float8 * interval '1 ms'
    AND coalesce((SELECT r.settled_at IS NOT NULL FROM rollouts r WHERE r.id = c.rollout_id), true)
  ORDER BY finished_at LIMIT ${commandsPerRound} FOR UPDATE SKIP LOCKED
), output AS (DELETE FROM command_output WHERE command_id = ANY(ARRAY(SELECT id FROM old))),
keys AS (DELETE FROM idempotency_keys WHERE command_id = ANY(ARRAY(SELECT id FROM old)))
DELETE FROM commands WHERE id = ANY(ARRAY(SELECT id FROM old)) RETURNING id`;

/**
 * Rollouts that were settled more than $1 ms ago, with their targets and their idempotency keys: a hundred, or as many as
 * have 10,000 targets together.
 */
const oldRollouts = `
WITH old AS MATERIALIZED (
  SELECT id FROM (
    SELECT o.id, sum(o.targets) OVER (ORDER BY o.settled_at, o.id) - o.targets AS before FROM (
      SELECT r.id, r.settled_at, r.targets FROM rollouts r
      WHERE r.settled_at IS NOT NULL AND r.settled_at < statement_timestamp() - $1::float8 * interval '1 ms'
      ORDER BY r.settled_at LIMIT ${rolloutsPerRound} FOR UPDATE SKIP LOCKED
    ) o
  ) s WHERE before < ${targetsPerRound}
), targets AS (DELETE FROM rollout_targets WHERE rollout_id = ANY(ARRAY(SELECT id FROM old))),
keys AS (DELETE FROM idempotency_keys WHERE rollout_id = ANY(ARRAY(SELECT id FROM old)))
DELETE FROM rollouts WHERE id = ANY(ARRAY(SELECT id FROM old)) RETURNING id`;

/**
 * The oldest entries, as far as they are older than $1 ms or more than $2 behind the newest, up to the first that isn't;
 * moves the floor up to the last one removed. The floor's row makes rounds of several servers wait for each other, and
 * keeps each from walking again over what the rounds before have removed.
 */
const oldFeed = `
WITH floor AS MATERIALIZED (SELECT xid FROM feed_floor WHERE id = 1 FOR NO KEY UPDATE),
oldest AS (
  SELECT f.xid, f.seq, f.at FROM feed f
  WHERE f.xid >= (SELECT xid FROM floor) AND f.xid < pg_snapshot_xmin(pg_current_snapshot())::text::bigint
  ORDER BY f.xid, f.seq LIMIT ${feedPerRound}
), judged AS MATERIALIZED (
  SELECT xid, seq, bool_and(at < clock_timestamp() - $1::float8 * interval '1 ms'
    OR seq <= (SELECT last_value FROM feed_seq_seq) - $2::bigint) OVER (ORDER BY xid, seq) AS over
  FROM oldest
), removed AS (
  DELETE FROM feed f USING judged j WHERE j.over AND f.xid = j.xid AND f.seq = j.seq RETURNING f.xid, f.seq
), raised AS (
  UPDATE feed_floor SET xid = r.xid, seq = greatest(feed_floor.seq, r.top)
  FROM (SELECT max(xid) AS xid, max(seq) AS top FROM removed HAVING count(*) > 0) r WHERE id = 1
)
SELECT count(*) AS removed FROM removed`;

/** Sessions that ended more than $1 ms ago. By their place, which nobody changes while they are locked: joined, the planner may read all. */
const oldSessions = `
WITH old AS MATERIALIZED (
  SELECT ctid FROM agent_session_log WHERE disconnected_at < statement_timestamp() - $1::float8 * interval '1 ms'
  ORDER BY disconnected_at LIMIT ${sessionsPerRound} FOR UPDATE SKIP LOCKED
)
DELETE FROM agent_session_log WHERE ctid = ANY(ARRAY(SELECT ctid FROM old)) RETURNING slot`;

/** Tokens that have been of no use for $1 ms. */
const oldTokens = `
DELETE FROM join_tokens WHERE least(expires_at, used_up_at, revoked_at) < clock_timestamp() - $1::float8 * interval '1 ms'`;

/** One round of each; repeatable. */
export async function cleanup(
  sql: Sql,
  settings: StoreSettings,
): Promise<{ commands: number; feed: number; more: boolean }> {
  const commands = await sql.rows({
    name: "cleanup-commands",
    text: oldCommands,
    values: [settings.recordTtlMs],
  });
  const rollouts = await sql.rows({ name: "cleanup-rollouts", text: oldRollouts, values: [settings.recordTtlMs] });
  const [feed] = await sql.rows<{ removed: number }>({
    name: "cleanup-feed",
    text: oldFeed,
    values: [settings.feedMaxAgeMs, settings.feedMaxEntries],
  });
  const sessions = await sql.rows({
    name: "cleanup-sessions",
    text: oldSessions,
    values: [settings.sessionTtlMs],
  });
  await sql.rows({ name: "cleanup-tokens", text: oldTokens, values: [tokenKeepMs] });
  const removed = feed?.removed ?? 0;
  return {
    commands: commands.length,
    feed: removed,
    more:
      commands.length === commandsPerRound ||
      rollouts.length > 0 ||
      removed === feedPerRound ||
      sessions.length === sessionsPerRound,
  };
}
