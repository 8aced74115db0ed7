import type { CommandStatus, JsonObject } from "../../commands/command.ts";
import type { Rollout, RolloutCounts, RolloutStatus, RolloutTemplate } from "../../rollouts/rollout.ts";

/** Commands by state, and of the timeouts those that had never started. */
export type CountedStates = Partial<Record<CommandStatus | "start_unknown", number>>;

/** A row of `rollouts` as `rolloutColumns` selects it. */
export interface RolloutRow {
  id: string;
  company_id: string;
  status: RolloutStatus;
  template: RolloutTemplate;
  expires_at: Date | null;
  max_concurrency: number | null;
  max_errors: number | null;
  selection: JsonObject;
  unable: number;
  retry_of: string | null;
  created_by: string;
  created_at: Date;
  finished_at: Date | null;
  targets: number;
  next_position: number;
  states: CountedStates;
}

/** The commands of rollout `r`, counted by state from the index alone; start_unknown apart, since it takes a look at the rows. */
export const countedStates = `(
  SELECT jsonb_object_agg(s.status, s.n) || jsonb_build_object('start_unknown', (
    SELECT count(*) FROM commands c WHERE c.rollout_id = r.id AND c.status = 'timeout' AND c.error = 'start_unknown'))
  FROM (SELECT c.status, count(*) AS n FROM commands c WHERE c.rollout_id = r.id GROUP BY c.status) s)`;

/**
 * A condition on the state of commands that are looked for by their rollout. A state that the planner knew would lead it to
 * the indexes of all that is queued or assigned, which it takes for empty.
 */
export function inStates(...states: readonly CommandStatus[]): string {
  return `c.status = ANY(ARRAY(SELECT unnest('{${states.join(",")}}'::text[])))`;
}

export const rolloutColumns = `r.id, r.company_id, r.status, r.template, r.expires_at, r.max_concurrency, r.max_errors,
  r.selection, r.unable, r.retry_of, r.created_by, r.created_at, r.finished_at, r.targets, r.next_position,
  coalesce(r.final_counts, CASE WHEN r.next_position > 0 THEN ${countedStates} END, '{}') AS states`;

export function toRollout(row: RolloutRow): Rollout {
  return {
    rolloutId: row.id,
    companyId: row.company_id,
    status: row.status,
    template: row.template,
    expiresAt: row.expires_at,
    maxConcurrency: row.max_concurrency,
    maxErrors: row.max_errors,
    selection: row.selection,
    unable: row.unable,
    retryOf: row.retry_of,
    createdBy: row.created_by,
    createdAt: row.created_at,
    finishedAt: row.finished_at,
    counts: toCounts(row),
  };
}

function toCounts({ targets, next_position, states }: RolloutRow): RolloutCounts {
  const { queued = 0, assigned = 0, completed = 0, failed = 0, timeout = 0, cancelled = 0, expired = 0 } = states;
  const errors = failed + timeout - (states.start_unknown ?? 0);
  const pending = targets - next_position;
  return { targets, pending, queued, assigned, completed, failed, timeout, cancelled, expired, errors };
}
