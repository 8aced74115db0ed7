import { FleetwireError, type Logger, type Principal } from "@fleetwire/service";
import { checkRequest } from "../commands/check-request.ts";
import type { JsonObject } from "../commands/command.ts";
import type { CommandRequest } from "../commands/command-request.ts";
import { enqueue, queueForAgent, type QueuedCommand, type QueueingDeps } from "../commands/queue-command.ts";
import { expiryOf, idempotencyOf, templateOf, workOf, type Work } from "../commands/work.ts";
import { errors } from "../errors.ts";
import type { AgentSelection, NewRollout } from "../store/command-store.ts";
import { newId } from "../new-id.ts";
import type { Picker } from "./pick.ts";
import type { RolloutStatus } from "./rollout.ts";
import { selectionOf, selectTargets } from "./select.ts";

export interface RolloutDeps extends QueueingDeps {
  picker: Picker;
  log: Logger;
  /** A rollout was stored: its first commands can be queued. */
  begun(rolloutId: string): void;
}

export interface AcceptedRollout {
  rolloutId: string;
  status: RolloutStatus;
  targets: number;
  unable: number;
}

export type CommandsAnswer =
  | ({ kind: "command"; agentId: string } & QueuedCommand)
  | ({ kind: "rollout" } & AcceptedRollout)
  | { kind: "dry_run"; targets: number; unable: number; agents: string[] };

/** Agents that a dry run names. */
const namedAgents = 500;

/**
 * What `POST /commands` asks for: a command for one agent, one for the least loaded of many (`pick`), or a rollout.
 * Resolves when it is durable. Throws what `queueCommand` throws, and `no_targets`, `too_many_targets`, `no_agent_available`.
 */
export async function requestCommands(
  deps: RolloutDeps,
  principal: Principal,
  body: unknown,
  traceparent: string | null,
): Promise<CommandsAnswer> {
  const request = checkRequest(body, await deps.storeTime());
  const { agentId } = request;
  if (agentId !== undefined) {
    const queued = await queueForAgent(deps, principal, { request, agentId, traceparent });
    return { kind: "command", agentId, ...queued };
  }
  const asked: Asked = {
    request,
    principal,
    traceparent,
    work: workOf(request),
    selection: selectionOf(principal.companyId, request),
  };
  return request.pick === "one" ? await pickOne(deps, asked) : await startRollout(deps, asked);
}

/** A request for many agents. */
interface Asked {
  request: CommandRequest;
  principal: Principal;
  traceparent: string | null;
  work: Work;
  selection: AgentSelection;
}

async function pickOne(deps: RolloutDeps, { request, work, selection, ...by }: Asked): Promise<CommandsAnswer> {
  const { picker, store, defaultTimeoutMs } = deps;
  const { companyId } = by.principal;
  if (request.dryRun === true) {
    const agentId = await picker.pick(selection, work, (picked) => Promise.resolve(picked));
    return { kind: "dry_run", targets: 1, unable: 0, agents: [agentId] };
  }
  const idempotencyKey = idempotencyOf(request, { ...work, ...targetOf(request), pick: "one" });
  // Before an agent is looked for: there may be none any more.
  const { commandId = null } = (idempotencyKey && (await holderOf(deps, companyId, idempotencyKey))) ?? {};
  const known = commandId === null ? null : await store.get(companyId, commandId);
  if (known !== null) return { kind: "command", ...idsOf(known) };
  const command = {
    ...templateOf(work, request, { ...by, defaultTimeoutMs }),
    commandId: newId(),
    companyId,
    expiresAt: expiryOf(request),
    idempotencyKey,
    allowUnknownAgent: false,
  };
  return picker.pick(selection, work, async (agentId): Promise<CommandsAnswer> => {
    const queued = await enqueue(deps, { ...command, agentId });
    // Someone else with the same key was faster, and may have picked another agent.
    const first = queued.commandId === command.commandId ? null : await store.get(companyId, queued.commandId);
    return { kind: "command", ...queued, agentId: first?.agentId ?? agentId };
  });
}

function idsOf({ commandId, agentId, status }: { commandId: string; agentId: string } & QueuedCommand) {
  return { commandId, agentId, status };
}

async function startRollout(deps: RolloutDeps, { request, work, selection, ...by }: Asked): Promise<CommandsAnswer> {
  const { store, defaultTimeoutMs } = deps;
  const { companyId } = by.principal;
  if (request.dryRun === true) {
    const { agents, unable } = await selectTargets(store, selection, work);
    return { kind: "dry_run", targets: agents.length, unable, agents: agents.slice(0, namedAgents) };
  }
  const bounds = { maxConcurrency: request.maxConcurrency ?? null, maxErrors: request.maxErrors ?? null };
  const idempotencyKey = idempotencyOf(request, { ...work, ...targetOf(request), ...bounds });
  const before = await repeated(deps, companyId, idempotencyKey);
  if (before !== null) return { kind: "rollout", ...before };
  const { agents, unable } = await selectTargets(store, selection, work);
  const accepted = await storeRollout(deps, agents, {
    companyId,
    template: templateOf(work, request, { ...by, defaultTimeoutMs }),
    expiresAt: expiryOf(request),
    ...bounds,
    selection: targetOf(request),
    unable,
    retryOf: null,
    idempotencyKey,
    createdBy: `${by.principal.kind}:${by.principal.id}`,
  });
  return { kind: "rollout", ...accepted };
}

/** Whom it is for, as it was asked. */
function targetOf({ fleetId, selector }: CommandRequest): JsonObject {
  return fleetId === undefined ? { selector: { ...selector } } : { fleetId };
}

type Key = NonNullable<NewRollout["idempotencyKey"]>;

/** Who holds the key by now; null: nobody. Throws `idempotency_key_reused`. */
async function holderOf({ store }: RolloutDeps, companyId: string, { key, bodyHash }: Key) {
  const holder = await store.keyHolder(companyId, key);
  if (holder !== null && holder.bodyHash !== bodyHash) throw new FleetwireError(errors.idempotency_key_reused);
  return holder;
}

/** The rollout that the same request under this key had made before; null: none, or no key. Throws `idempotency_key_reused`. */
export async function repeated(
  deps: RolloutDeps,
  companyId: string,
  idempotencyKey: Key | null,
): Promise<AcceptedRollout | null> {
  // Before agents are selected: there may be none any more.
  const { rolloutId = null } = (idempotencyKey && (await holderOf(deps, companyId, idempotencyKey))) ?? {};
  const rollout = rolloutId === null ? null : await deps.store.getRollout(companyId, rolloutId);
  if (rollout === null) return null;
  const { status, unable, counts } = rollout;
  return { rolloutId: rollout.rolloutId, status, targets: counts.targets, unable };
}

/** Stores a rollout of these agents, and has it begin. Throws `idempotency_key_reused`, `store_unavailable`. */
export async function storeRollout(
  { store, log, ...deps }: RolloutDeps,
  agents: readonly string[],
  rollout: Omit<NewRollout, "rolloutId" | "targets">,
): Promise<AcceptedRollout> {
  const { companyId, unable } = rollout;
  const rolloutId = newId();
  const targets = agents.map((agentId) => ({ agentId, commandId: newId() }));
  const outcome = await store.createRollout({ ...rollout, rolloutId, targets });
  switch (outcome.kind) {
    case "created":
      log.info({ rolloutId, companyId, targets: targets.length, type: rollout.template.type }, "rollout started");
      deps.begun(rolloutId);
      return { rolloutId, status: "running", targets: targets.length, unable };
    case "duplicate":
      return { rolloutId: outcome.rolloutId, status: outcome.status, targets: outcome.targets, unable: outcome.unable };
    case "key_reused":
      throw new FleetwireError(errors.idempotency_key_reused);
  }
}
