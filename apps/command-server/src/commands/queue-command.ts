import { FleetwireError, httpErrors, type Principal, type Violation } from "@fleetwire/service";
import { errors } from "../errors.ts";
import type { CommandServerMetrics } from "../metrics.ts";
import { newId } from "../new-id.ts";
import type { StoreTime } from "../store/store-time.ts";
import type { CommandStore, NewCommand } from "../store/command-store.ts";
import type { CommandStatus } from "./command.ts";
import { checkRequest, refuse } from "./check-request.ts";
import type { CommandRequest } from "./command-request.ts";
import { checkAnnounced, checkBuiltIn, isBuiltIn, type TypedRequest } from "./parameters.ts";
import { expiryOf, idempotencyOf, templateOf, workOf } from "./work.ts";

export interface QueueingDeps {
  store: CommandStore;
  /** Instants that a caller names are judged by the store's clock, as they will be later. */
  storeTime: StoreTime;
  metrics: CommandServerMetrics;
  defaultTimeoutMs: number;
}

export interface QueuedCommand {
  commandId: string;
  /** `queued`; for a repeat under the same idempotency key, the status that it has now. */
  status: CommandStatus;
}

/**
 * The rules of queueing, the same for HTTP and gRPC: checks a request from outside for one agent and stores the command
 * for the principal's company. Resolves when it is durable.
 *
 * Throws `invalid_request`, `invalid_parameters`, `unknown_type`, `agent_unknown`, `idempotency_key_reused`,
 * `store_unavailable`.
 */
export async function queueCommand(
  deps: QueueingDeps,
  principal: Principal,
  body: unknown,
  traceparent: string | null,
): Promise<QueuedCommand> {
  const request = checkRequest(body, await deps.storeTime());
  const agentId = request.agentId ?? refuse(httpErrors.invalid_request, [{ path: "/agentId", message: "is needed" }]);
  return queueForAgent(deps, principal, { request, agentId, traceparent });
}

/** The same for a request that was checked. */
export async function queueForAgent(
  deps: QueueingDeps,
  principal: Principal,
  { request, agentId, traceparent }: { request: CommandRequest; agentId: string; traceparent: string | null },
): Promise<QueuedCommand> {
  const work = workOf(request);
  const allowUnknownAgent = request.allowUnknownAgent ?? false;
  await checkParameters(deps.store, principal.companyId, agentId, work, allowUnknownAgent);
  return enqueue(deps, {
    ...templateOf(work, request, { principal, traceparent, defaultTimeoutMs: deps.defaultTimeoutMs }),
    commandId: newId(),
    companyId: principal.companyId,
    agentId,
    expiresAt: expiryOf(request),
    idempotencyKey: idempotencyOf(request, { ...work, agentId, allowUnknownAgent }),
    allowUnknownAgent,
  });
}

/** Stores one command. Throws `agent_unknown`, `idempotency_key_reused`, `store_unavailable`. */
export async function enqueue(
  { store, metrics }: Pick<QueueingDeps, "store" | "metrics">,
  command: NewCommand,
): Promise<QueuedCommand> {
  const outcome = await store.enqueue(command);
  switch (outcome.kind) {
    case "queued":
      metrics.queued(command.type);
      return { commandId: outcome.commandId, status: "queued" };
    case "duplicate":
      return { commandId: outcome.commandId, status: outcome.status };
    case "key_reused":
      throw new FleetwireError(errors.idempotency_key_reused);
    case "agent_unknown":
      throw new FleetwireError(errors.agent_unknown, undefined, { details: { agentId: command.agentId } });
  }
}

async function checkParameters(
  store: CommandStore,
  companyId: string,
  agentId: string,
  typed: TypedRequest,
  allowUnknownAgent: boolean,
): Promise<void> {
  let problems: Violation[];
  if (isBuiltIn(typed.type)) {
    problems = checkBuiltIn(typed);
  } else {
    const agent = await store.getAgent(companyId, agentId);
    if (agent === null && !allowUnknownAgent)
      throw new FleetwireError(errors.agent_unknown, undefined, { details: { agentId } });
    // An agent that never connected has announced nothing yet: any well-formed type may wait for it.
    const announced = agent === null || agent.connectedAt === null ? null : agent.types;
    const entry = announced?.find((known) => known.type === typed.type);
    if (announced !== null && entry === undefined) {
      const known = announced.slice(0, 64).map((each) => each.type);
      throw new FleetwireError(errors.unknown_type, undefined, { details: { type: typed.type, known } });
    }
    problems = checkAnnounced(typed, entry?.parametersSchema ?? null);
  }
  if (problems.length > 0) refuse(errors.invalid_parameters, problems);
}
