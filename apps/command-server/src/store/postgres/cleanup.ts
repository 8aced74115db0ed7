import type { StoreSettings } from "../settings.ts";
import type { Sql } from "./sql.ts";

/** Rows removed in one round: short transactions, whatever has piled up. */
const commandsPerRound = 500;
const feedPerRound = 5_000;
const tokenKeepMs = 24 * 3600 * 1000;

/** Records that ended more than $1 ms ago, $2 at most, with their output and their idempotency keys. */
const oldCommands = `
WITH old AS MATERIALIZED (
  SELECT id FROM commands WHERE finished_at IS NOT NULL AND finished_at < statement_timestamp() - $1::float8 * interval '1 ms'
  ORDER BY finished_at LIMIT $2 FOR UPDATE SKIP LOCKED
), output AS (DELETE FROM command_output o USING old WHERE o.command_id = old.id),
keys AS (DELETE FROM idempotency_keys k USING old WHERE k.command_id = old.id)
DELETE FROM commands c USING old WHERE c.id = old.id RETURNING c.id`;

/**
 * The oldest entries, $1 at most, as far as they are older than $2 ms or more than $3 behind the newest; moves the floor
 * up to the last one removed. The floor's row makes rounds of several servers wait for each other.
 */
const oldFeed = `
WITH floor AS MATERIALIZED (SELECT id FROM feed_floor WHERE id = 1 FOR NO KEY UPDATE),
oldest AS (
  SELECT f.xid, f.seq, f.at FROM floor, feed f
  WHERE f.xid < pg_snapshot_xmin(pg_current_snapshot())::text::bigint ORDER BY f.xid, f.seq LIMIT $1
), removed AS (
  DELETE FROM feed f USING oldest o WHERE f.xid = o.xid AND f.seq = o.seq
    AND (o.at < clock_timestamp() - $2::float8 * interval '1 ms' OR o.seq <= (SELECT last_value FROM feed_seq_seq) - $3::bigint)
  RETURNING f.xid, f.seq
), raised AS (
  UPDATE feed_floor SET xid = r.xid, seq = greatest(feed_floor.seq, r.top)
  FROM (SELECT max(xid) AS xid, max(seq) AS top FROM removed HAVING count(*) > 0) r WHERE id = 1
)
SELECT count(*) AS removed FROM removed`;

/** Tokens that have been of no use for $1 ms. */
const oldTokens = `
DELETE FROM join_tokens WHERE least(expires_at, used_up_at, revoked_at) < clock_timestamp() - $1::float8 * interval '1 ms'`;

/** One round of each; repeatable. */
export async function cleanup(
  sql: Sql,
  settings: StoreSettings,
): Promise<{ commands: number; feed: number; more: boolean }> {
  const commands = await sql.rows({ text: oldCommands, values: [settings.recordTtlMs, commandsPerRound] });
  const [feed] = await sql.rows<{ removed: number }>({
    text: oldFeed,
    values: [feedPerRound, settings.feedMaxAgeMs, settings.feedMaxEntries],
  });
  await sql.rows({ text: oldTokens, values: [tokenKeepMs] });
  const removed = feed?.removed ?? 0;
  return {
    commands: commands.length,
    feed: removed,
    more: commands.length === commandsPerRound || removed === feedPerRound,
  };
}
