import { FleetwireError } from "@fleetwire/service";
import type { RolloutStatus } from "../../rollouts/rollout.ts";
import type { CreateRolloutOutcome, KeyHolder, NewRollout } from "../command-store.ts";
import { storeErrors, unavailable } from "../errors.ts";
import { strictJson } from "../text.ts";
import type { Sql } from "./sql.ts";

/**
 * One statement: claims the idempotency key, stores the rollout and its targets. $1 the rollout as JSON, $2 the targets'
 * agents, $3 their commands. No row: its id or its key was there before; `settle` finds out which. No key is claimed for an
 * id that is taken.
 */
const insert = `
WITH input AS (
  SELECT * FROM json_to_record($1::json) AS n(id text, company_id text, template jsonb, expires_at timestamptz,
    max_concurrency int, max_errors int, selection jsonb, unable int, retry_of text, key text, body_hash text,
    created_by text)
), claimed AS (
  INSERT INTO idempotency_keys (company_id, key, body_hash, rollout_id)
  SELECT company_id, key, body_hash, id FROM input i
  WHERE key IS NOT NULL AND (SELECT r.id FROM rollouts r WHERE r.id = i.id) IS NULL
  ON CONFLICT DO NOTHING RETURNING rollout_id
), added AS (
  INSERT INTO rollouts (id, company_id, template, expires_at, max_concurrency, max_errors, selection, unable, retry_of,
    created_by, created_at, targets)
  SELECT id, company_id, template, expires_at, max_concurrency, max_errors, selection, unable, retry_of,
    created_by, clock_timestamp(), cardinality($2::text[])
  FROM input WHERE key IS NULL OR id IN (SELECT rollout_id FROM claimed)
  ON CONFLICT (id) DO NOTHING RETURNING id
), aimed AS (
  INSERT INTO rollout_targets (rollout_id, position, agent_id, command_id)
  SELECT a.id, t.position - 1, t.agent_id, t.command_id
  FROM added a, unnest($2::text[], $3::text[]) WITH ORDINALITY AS t(agent_id, command_id, position)
)
SELECT id FROM added`;

/** What stands where the rollout wasn't added: $1 id, $2 company, $3 key. */
const settle = `
SELECT n.id, r.company_id = $2 AS same_company, k.body_hash, k.command_id, kr.id AS key_rollout, kr.status, kr.targets,
  kr.unable
FROM (VALUES ($1::text)) AS n(id)
LEFT JOIN LATERAL (SELECT * FROM rollouts WHERE id = n.id LIMIT 1) r ON true
LEFT JOIN LATERAL (SELECT * FROM idempotency_keys WHERE company_id = $2 AND key = $3::text LIMIT 1) k ON true
LEFT JOIN LATERAL (SELECT * FROM rollouts WHERE id = k.rollout_id LIMIT 1) kr ON true`;

interface Settled {
  /** Null: no rollout has this id. */
  same_company: boolean | null;
  body_hash: string | null;
  command_id: string | null;
  key_rollout: string | null;
  status: RolloutStatus;
  targets: number;
  unable: number;
}

const maxTries = 5;

/** Repeatable. Rejects with `unstorable_text`, and with `command_id_taken` where another company's rollout has the id. */
export async function createRollout(sql: Sql, rollout: NewRollout): Promise<CreateRolloutOutcome> {
  const agentIds = rollout.targets.map(({ agentId }) => agentId);
  const commandIds = rollout.targets.map(({ commandId }) => commandId);
  const values = [toJson(rollout), agentIds, commandIds];
  for (let tries = 1; tries <= maxTries; tries++) {
    const added = await sql.rows({ name: "create-rollout", text: insert, values });
    if (added.length > 0) return { kind: "created" };
    const [row] = await sql.rows<Settled>({
      name: "create-rollout-settle",
      text: settle,
      values: [rollout.rolloutId, rollout.companyId, rollout.idempotencyKey?.key ?? null],
    });
    const decision = row && decide(rollout, row);
    if (decision) return decision;
  }
  throw unavailable(new Error("the idempotency key's holder came and went"));
}

/** Null: the key's holder was cleaned away between two statements. */
function decide({ idempotencyKey }: NewRollout, row: Settled): CreateRolloutOutcome | null {
  if (row.same_company === true) return { kind: "created" };
  if (row.same_company === false) throw new FleetwireError(storeErrors.command_id_taken);
  if (row.body_hash === null) return null;
  if (row.command_id !== null || row.body_hash !== idempotencyKey?.bodyHash) return { kind: "key_reused" };
  if (row.key_rollout === null) return null;
  const { key_rollout: rolloutId, status, targets, unable } = row;
  return { kind: "duplicate", rolloutId, status, targets, unable };
}

const holder = "SELECT body_hash, command_id, rollout_id FROM idempotency_keys WHERE company_id = $1 AND key = $2";

export async function keyHolder(sql: Sql, companyId: string, key: string): Promise<KeyHolder | null> {
  const [row] = await sql.rows<{ body_hash: string; command_id: string | null; rollout_id: string | null }>({
    name: "key-holder",
    text: holder,
    values: [companyId, key],
  });
  return row ? { bodyHash: row.body_hash, commandId: row.command_id, rolloutId: row.rollout_id } : null;
}

function toJson(rollout: NewRollout): string {
  return strictJson({
    id: rollout.rolloutId,
    company_id: rollout.companyId,
    template: rollout.template,
    expires_at: rollout.expiresAt,
    max_concurrency: rollout.maxConcurrency,
    max_errors: rollout.maxErrors,
    selection: rollout.selection,
    unable: rollout.unable,
    retry_of: rollout.retryOf,
    key: rollout.idempotencyKey?.key ?? null,
    body_hash: rollout.idempotencyKey?.bodyHash ?? null,
    created_by: rollout.createdBy,
  });
}
