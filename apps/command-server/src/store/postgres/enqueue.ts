import { FleetwireError } from "@fleetwire/service";
import type { CommandStatus } from "../../commands/command.ts";
import { createBatcher } from "../batcher.ts";
import type { EnqueueOutcome, NewCommand } from "../command-store.ts";
import { storeErrors } from "../errors.ts";
import type { StoreContext } from "./context.ts";
import { commandEntries, entryColumns } from "./feed-entries.ts";
import { isUnavailable, unavailable } from "../errors.ts";
import { strictJson } from "../text.ts";

const newCommands = `json_to_recordset($1::json) AS n(id text, company_id text, agent_id text, type text, lane text,
  command text, args jsonb, parameters jsonb, timeout_ms bigint, priority smallint, idempotent boolean, retry jsonb,
  expires_at timestamptz, key text, body_hash text, allow_unknown boolean, traceparent text, created_by text)`;

/**
 * One statement for a batch: looks up the agents, claims the idempotency keys, inserts what is new, writes the feed.
 *
 * In:  $1 JSON array of commands, ids and keys distinct; $2 default expiry in ms.
 * Out: per command `known` (its company may send to this agent), `added`, and `holder`, the server of the agent's
 *      open session. Known but not added: its id or its key was there before; `settle` finds out which.
 * Keys are claimed in order, so that batches that share keys wait for each other without a deadlock; none is claimed
 * for an id that is taken. Agents are looked up one by one: a join would read them all, tables of a few thousand rows being cheap to read.
 */
const insert = `
WITH input AS (
  SELECT n.*,
    coalesce((SELECT a.company_id = n.company_id FROM agents a WHERE a.agent_id = n.agent_id), n.allow_unknown) AS known
  FROM ${newCommands}
), claimed AS (
  INSERT INTO idempotency_keys (company_id, key, body_hash, command_id)
  SELECT company_id, key, body_hash, id FROM input i
  WHERE known AND key IS NOT NULL AND (SELECT c.id FROM commands c WHERE c.id = i.id) IS NULL
  ORDER BY company_id, key
  ON CONFLICT DO NOTHING
  RETURNING command_id
), added AS (
  INSERT INTO commands AS c (id, company_id, agent_id, type, lane, command, args, parameters, timeout_ms, priority,
    idempotent, retry, traceparent, created_by, queued_at, expires_at, due_at)
  SELECT id, company_id, agent_id, type, lane, command, args, parameters, timeout_ms, priority,
    idempotent, retry, traceparent, created_by, clock_timestamp(), expiry, expiry
  FROM input, LATERAL (SELECT coalesce(expires_at, clock_timestamp() + $2::float8 * interval '1 ms')) AS x(expiry)
  WHERE known AND (key IS NULL OR id IN (SELECT command_id FROM claimed))
  ON CONFLICT (id) DO NOTHING
  RETURNING ${entryColumns}
), fed AS (${commandEntries("added")})
SELECT i.id, i.known, a.id IS NOT NULL AS added,
  (SELECT CASE WHEN s.connected THEN s.server_id END FROM agent_sessions s WHERE s.agent_id = i.agent_id) AS holder
FROM input i LEFT JOIN added a ON a.id = i.id`;

/**
 * What stands where a command of $1 wasn't added. A statement later, since a rival may have committed meanwhile. LIMIT
 * keeps the planner from joining, which would read whole tables.
 */
const settle = `
SELECT n.id, c.id IS NOT NULL AS exists, k.body_hash = n.body_hash AS same_body, k.command_id AS key_command,
  k.rollout_id AS key_rollout, kc.status AS key_status,
  c.company_id = n.company_id AND c.agent_id = n.agent_id AND c.type = n.type
    AND c.command IS NOT DISTINCT FROM n.command AND c.args IS NOT DISTINCT FROM n.args
    AND c.parameters = n.parameters AS same_command
FROM ${newCommands}
LEFT JOIN LATERAL (SELECT * FROM commands WHERE id = n.id LIMIT 1) c ON true
LEFT JOIN LATERAL (SELECT * FROM idempotency_keys WHERE company_id = n.company_id AND key = n.key LIMIT 1) k ON true
LEFT JOIN LATERAL (SELECT * FROM commands WHERE id = k.command_id LIMIT 1) kc ON true`;

interface Inserted {
  id: string;
  known: boolean;
  added: boolean;
  holder: string | null;
}

interface Settled {
  id: string;
  exists: boolean;
  same_body: boolean | null;
  key_command: string | null;
  key_rollout: string | null;
  key_status: CommandStatus | null;
  same_command: boolean | null;
}

interface Item {
  command: NewCommand;
  json: string;
}

const maxTries = 5;

/** Undecided: the key's command was cleaned away between two statements; the caller tries again. */
type Decision = EnqueueOutcome | FleetwireError | "undecided";

/**
 * Repeatable: after `store_unavailable` the same call (same commandId) stores nothing twice and answers `queued`.
 * Rejects with `unstorable_text` or `command_id_taken` for this command alone.
 */
export function createEnqueue({ sql, settings, signals, hub }: StoreContext) {
  const insertBatch = createBatcher<Item, Decision>({
    keysOf: ({ command }) => [
      `id ${command.commandId}`,
      ...(command.idempotencyKey ? [`key ${command.companyId} ${command.idempotencyKey.key}`] : []),
    ],
    sizeOf: ({ json }) => json.length,
    maxSize: 8 * 1024 * 1024,
    concernsAll: isUnavailable,
    async run(items) {
      const rows = await sql.rows<Inserted>({
        name: "enqueue",
        text: insert,
        values: [jsonArray(items), settings.defaultExpiryMs],
      });
      const byId = new Map(rows.map((row) => [row.id, row]));
      const added = items.filter(({ command }) => byId.get(command.commandId)?.added);
      if (added.length > 0) {
        hub.changed(
          added.map(({ command }) => ({ kind: "state", commandId: command.commandId, status: "queued", revision: 1 })),
        );
        signals.wake(
          added.map(({ command }) => ({
            agentId: command.agentId,
            holder: byId.get(command.commandId)?.holder ?? null,
          })),
        );
      }
      const unsettled = items.filter(({ command }) => {
        const row = byId.get(command.commandId);
        return row?.known && !row.added;
      });
      const settled = unsettled.length > 0 ? await settleAll(unsettled) : new Map<string, Settled>();
      return items.map(({ command }): Decision => {
        const row = byId.get(command.commandId);
        if (!row?.known) return { kind: "agent_unknown" };
        if (row.added) return { kind: "queued", commandId: command.commandId };
        return decide(command, settled.get(command.commandId));
      });
    },
  });

  async function settleAll(items: readonly Item[]): Promise<Map<string, Settled>> {
    const rows = await sql.rows<Settled>({ name: "enqueue-settle", text: settle, values: [jsonArray(items)] });
    return new Map(rows.map((row) => [row.id, row]));
  }

  return async function enqueue(command: NewCommand): Promise<EnqueueOutcome> {
    const item = { command, json: toJson(command) };
    for (let tries = 1; ; tries++) {
      const decision = await insertBatch(item);
      if (decision instanceof FleetwireError) throw decision;
      if (decision !== "undecided") return decision;
      if (tries === maxTries) throw unavailable(new Error("the idempotency key's command came and went"));
    }
  };
}

function decide(command: NewCommand, row: Settled | undefined): Decision {
  if (row?.exists) {
    if (row.same_command) return { kind: "queued", commandId: command.commandId };
    return new FleetwireError(storeErrors.command_id_taken);
  }
  if (row?.key_rollout) return { kind: "key_reused" };
  if (!row?.key_command || !row.key_status) return "undecided";
  if (!row.same_body) return { kind: "key_reused" };
  return { kind: "duplicate", commandId: row.key_command, status: row.key_status };
}

function jsonArray(items: readonly Item[]): string {
  return `[${items.map(({ json }) => json).join(",")}]`;
}

function toJson(command: NewCommand): string {
  return strictJson({
    id: command.commandId,
    company_id: command.companyId,
    agent_id: command.agentId,
    type: command.type,
    lane: command.lane,
    command: command.command,
    args: command.args,
    parameters: command.parameters,
    timeout_ms: command.timeoutMs,
    priority: command.priority,
    idempotent: command.idempotent,
    retry: command.retry,
    expires_at: command.expiresAt,
    key: command.idempotencyKey?.key ?? null,
    body_hash: command.idempotencyKey?.bodyHash ?? null,
    allow_unknown: command.allowUnknownAgent,
    traceparent: command.traceparent,
    created_by: command.createdBy,
  });
}
