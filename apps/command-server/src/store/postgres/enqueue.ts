import { FleetwireError } from "@fleetwire/service";
import type { CommandStatus } from "../../commands/command.ts";
import { createBatcher } from "../batcher.ts";
import type { Assignment, EnqueueOutcome, NewCommand, SlotOffer, WatchEvent } from "../command-store.ts";
import type { Held } from "../signals.ts";
import { storeErrors } from "../errors.ts";
import type { StoreContext } from "./context.ts";
import { insertCommands, judgeRefused } from "./enqueue-statements.ts";
import { toChange, type ChangeRow } from "./rows.ts";
import { isUnavailable, unavailable, withdraw } from "../errors.ts";
import { strictJson } from "../text.ts";

interface Refused {
  id: string;
  known: boolean;
  added: false;
}

interface Added extends ChangeRow {
  id: string;
  known: true;
  added: true;
  holder: string | null;
  /** Null where it wasn't assigned. */
  epoch: number | null;
  assign_no: number | null;
  window_ms: number;
}

type Inserted = Refused | Added;

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
  offer: SlotOffer | null;
  json: string;
}

const maxTries = 5;

/** Undecided: the key's command was cleaned away between two statements; the caller tries again. */
type Decision = EnqueueOutcome | FleetwireError | "undecided";

/**
 * Repeatable: after `store_unavailable` the same call (same commandId) stores nothing twice and answers `queued`.
 * Rejects with `unstorable_text` or `command_id_taken` for this command alone.
 */
export function createEnqueue({ sql, serverId, settings, signals, hub }: StoreContext) {
  const insertBatch = createBatcher<Item, Decision>({
    keysOf: ({ command }) => [
      `id ${command.commandId}`,
      ...(command.idempotencyKey ? [`key ${command.companyId} ${command.idempotencyKey.key}`] : []),
    ],
    sizeOf: ({ json }) => json.length,
    maxSize: 8 * 1024 * 1024,
    concernsAll: isUnavailable,
    async run(items) {
      const rows = await insertAll(items);
      const byId = new Map(rows.map((row) => [row.id, row]));
      tell(items, byId);
      const unsettled = items.filter(({ command }) => {
        const row = byId.get(command.commandId);
        return row?.known && !row.added;
      });
      const settled =
        unsettled.length > 0 ? await settleAll(unsettled).catch(unavailableOnly) : new Map<string, Settled>();
      return items.map(({ command }): Decision => {
        const row = byId.get(command.commandId);
        if (!row?.known) return { kind: "agent_unknown" };
        if (row.added) return { kind: "queued", commandId: command.commandId };
        return settled instanceof FleetwireError ? settled : decide(command, settled.get(command.commandId));
      });
    },
  });

  function insertAll(items: readonly Item[]): Promise<Inserted[]> {
    return sql.rows<Inserted>({
      name: "enqueue",
      text: insertCommands,
      values: [jsonArray(items), settings.defaultExpiryMs, serverId, settings.startGraceMs],
    });
  }

  /** Gives what was taken to the sessions, wakes those of what waits, and tells watchers of both. */
  function tell(items: readonly Item[], byId: ReadonlyMap<string, Inserted>): void {
    const changes: WatchEvent[] = [];
    const waiting: Held[] = [];
    for (const { command, offer } of items) {
      const row = byId.get(command.commandId);
      if (row?.added !== true) {
        offer?.settle(null);
        continue;
      }
      const { commandId, agentId } = command;
      changes.push({ kind: "state", commandId, status: "queued", revision: 1 });
      const assignment = toAssignment(command, row);
      if (assignment === null) waiting.push({ agentId, holder: row.holder });
      else {
        const { status, revision } = row;
        changes.push({ kind: "state", commandId, status, revision, change: toChange(row) });
      }
      offer?.settle(assignment);
    }
    if (changes.length > 0) hub.changed(changes);
    if (waiting.length > 0) signals.wake(waiting);
  }

  async function settleAll(items: readonly Item[]): Promise<Map<string, Settled>> {
    const rows = await sql.rows<Settled>({ name: "enqueue-settle", text: judgeRefused, values: [jsonArray(items)] });
    return new Map(rows.map((row) => [row.id, row]));
  }

  /** The offer of a batch that succeeded is settled by it. */
  async function insertOne(command: NewCommand, json: string): Promise<Decision> {
    const offer = signals.offer(command.agentId, command.lane);
    try {
      return await insertBatch({ command, offer, json: withOffer(json, offer) });
    } catch (error) {
      withdraw(offer, error);
      throw error;
    }
  }

  return async function enqueue(command: NewCommand): Promise<EnqueueOutcome> {
    const json = toJson(command);
    for (let tries = 1; ; tries++) {
      const decision = await insertOne(command, json);
      if (decision instanceof FleetwireError) throw decision;
      if (decision !== "undecided") return decision;
      if (tries === maxTries) throw unavailable(new Error("the idempotency key's command came and went"));
    }
  };
}

/** What was added is queued, whatever becomes of the look at the others: their error is for them alone. */
function unavailableOnly(error: unknown): FleetwireError {
  if (error instanceof FleetwireError && isUnavailable(error)) return error;
  throw error;
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

/** Null for one that waits in the queue. */
function toAssignment(command: NewCommand, row: Added): Assignment | null {
  if (row.epoch === null || row.assign_no === null) return null;
  const { commandId, agentId, type, lane, parameters, timeoutMs, idempotent, traceparent } = command;
  return {
    commandId,
    agentId,
    epoch: row.epoch,
    assignNo: row.assign_no,
    attempt: row.attempt,
    type,
    lane,
    command: command.command,
    args: command.args,
    parameters,
    timeoutMs,
    startWindowMs: Math.max(0, Math.floor(row.window_ms)),
    idempotent,
    traceparent,
    waitedMs: 0,
  };
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

function withOffer(json: string, offer: SlotOffer | null): string {
  return offer === null ? json : `${json.slice(0, -1)},"offered":${offer.epoch}}`;
}
