import { nextStep, type RolloutStatus, type Standing } from "../../rollouts/rollout.ts";
import { inStates } from "./rollout-rows.ts";
import type { Sql } from "./sql.ts";

/**
 * Where rollouts stand, as far as their next step depends on it. Nothing is counted further than it matters, so that a look
 * costs what lives, not what has ended.
 */
const standings = `
SELECT r.id, r.status, r.template->>'type' AS type, r.targets - r.next_position AS pending, r.next_position,
  r.max_concurrency, r.max_errors, coalesce(r.expires_at <= clock_timestamp(), false) AS expired,
  (SELECT count(*) FROM (
    SELECT FROM commands c WHERE c.rollout_id = r.id AND ${inStates("queued")} LIMIT 1) q) AS queued,
  (SELECT count(*) FROM (
    SELECT FROM commands c WHERE c.rollout_id = r.id AND ${inStates("queued", "assigned")}
    LIMIT coalesce(r.max_concurrency, 1)) l) AS live,
  CASE WHEN r.max_errors IS NULL THEN 0 ELSE (SELECT count(*) FROM (
    SELECT FROM commands c WHERE c.rollout_id = r.id AND ${inStates("failed", "timeout")}
      AND (c.status = 'failed' OR c.error IS DISTINCT FROM 'start_unknown')
    LIMIT r.max_errors + 1) e) END AS errors
FROM rollouts r WHERE r.settled_at IS NULL`;

interface StandingRow {
  id: string;
  status: RolloutStatus;
  type: string;
  pending: number;
  next_position: number;
  max_concurrency: number | null;
  max_errors: number | null;
  expired: boolean;
  queued: number;
  live: number;
  errors: number;
}

/** What a step goes by. */
export interface RolloutStanding {
  now: Standing;
  /** Of its commands. */
  type: string;
  /** Of the target that is queued next. */
  nextPosition: number;
}

/** Null: nothing changes any more, or there is no such rollout. */
export async function readStanding(rows: Sql["rows"], rolloutId: string): Promise<RolloutStanding | null> {
  const [row] = await rows<StandingRow>({
    name: "rollout-standing",
    text: `${standings} AND r.id = $1`,
    values: [rolloutId],
  });
  return row ? toStanding(row) : null;
}

/** Those that aren't settled, of all companies. */
export async function activeRollouts(sql: Sql) {
  const rows = await sql.rows<StandingRow>({ name: "active-rollouts", text: `${standings} ORDER BY r.id` });
  return rows.map((row) => ({
    rolloutId: row.id,
    status: row.status,
    due: nextStep(toStanding(row).now, 1).do !== "wait",
  }));
}

function toStanding(row: StandingRow): RolloutStanding {
  const { type, next_position, max_concurrency, max_errors, status, pending, queued, live, errors, expired } = row;
  const bounds = { maxConcurrency: max_concurrency, maxErrors: max_errors };
  return { now: { status, pending, queued, live, errors, expired, ...bounds }, type, nextPosition: next_position };
}
