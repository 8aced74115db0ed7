import type { JsonObject } from "../../../commands/command.ts";
import { rolloutStatuses, type Rollout, type RolloutStatus, type RolloutTemplate } from "../../../rollouts/rollout.ts";
import type { NewRollout } from "../../command-store.ts";
import { strictJson } from "../../text.ts";
import type { Script } from "../script.ts";
import type { Valkey } from "../valkey.ts";

/** What doesn't change of a rollout: JSON in its hash. */
interface RolloutRecord {
  template: RolloutTemplate;
  expires_ms: number | null;
  max_concurrency: number | null;
  max_errors: number | null;
  selection: JsonObject;
  unable: number;
  retry_of: string | null;
  created_by: string;
}

/** Throws `unstorable_text`. */
export function recordText(rollout: NewRollout): string {
  const record: RolloutRecord = {
    template: rollout.template,
    expires_ms: rollout.expiresAt?.getTime() ?? null,
    max_concurrency: rollout.maxConcurrency,
    max_errors: rollout.maxErrors,
    selection: rollout.selection,
    unable: rollout.unable,
    retry_of: rollout.retryOf,
    created_by: rollout.createdBy,
  };
  return strictJson(record);
}

/**
 * In:  rollouts.
 * Out: for each {} where there is none, else {company, status, record, created, finished or '', targets, next position,
 *      commands that are queued, assigned, completed, failed, timeout, cancelled, expired, and of these errors}.
 */
const readScript: Script = {
  name: "rollouts-read",
  kind: "read",
  lua: `
local out = {}
for n = 1, #ARGV do
  local id = ARGV[n]
  local r = redis.call('HMGET', K.rollout(id), 'company', 'status', 'record', 'created', 'finished', 'targets', 'next')
  if r[1] then
    local counts = redis.call('HMGET', K.rolloutCounts(id), 'completed', 'failed', 'timeout', 'cancelled', 'expired', 'errors')
    r[5] = r[5] or ''
    r[8], r[9] = redis.call('SCARD', K.rolloutIn(id, 'queued')), redis.call('SCARD', K.rolloutIn(id, 'assigned'))
    for c = 1, 6 do r[9 + c] = counts[c] or 0 end
    out[n] = r
  else out[n] = {} end
end
return out`,
};

type Row = (string | number)[];

/** In the order of the ids; null where there is none. */
export async function readRollouts(valkey: Valkey, ids: readonly string[]): Promise<(Rollout | null)[]> {
  if (ids.length === 0) return [];
  const rows = await valkey.run<Row[]>(readScript, ...ids);
  return rows.map((row, n) => (row.length === 0 ? null : toRollout(ids[n] ?? "", row)));
}

function toRollout(rolloutId: string, row: Row): Rollout {
  const [companyId, status, text, created, finished, ...numbers] = row;
  const [targets = 0, next = 0, queued = 0, assigned = 0, completed = 0, failed = 0, timeout = 0, ...rest] =
    numbers.map(Number);
  const [cancelled = 0, expired = 0, errors = 0] = rest;
  // oxlint-disable-next-line typescript/no-unsafe-type-assertion -- written by `recordText` alone
  const record = JSON.parse(String(text)) as RolloutRecord;
  const counts = { targets, pending: targets - next, queued, assigned, completed, failed, timeout, cancelled, expired };
  return {
    rolloutId,
    companyId: String(companyId),
    status: statusOf(String(status)),
    template: record.template,
    expiresAt: record.expires_ms === null ? null : new Date(record.expires_ms),
    maxConcurrency: record.max_concurrency,
    maxErrors: record.max_errors,
    selection: record.selection,
    unable: record.unable,
    retryOf: record.retry_of,
    createdBy: record.created_by,
    createdAt: new Date(Number(created)),
    finishedAt: finished === "" ? null : new Date(Number(finished)),
    counts: { ...counts, errors },
  };
}

function statusOf(text: string): RolloutStatus {
  return rolloutStatuses.find((status) => status === text) ?? "stopped";
}
