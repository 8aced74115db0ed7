import { createHash } from "node:crypto";
import { FleetwireError, httpErrors, type Clock, type Principal, type Violation } from "@fleetwire/service";
import { v7 as uuidv7 } from "uuid";
import { errors } from "../errors.ts";
import type { CommandServerMetrics } from "../metrics.ts";
import type { CommandStore, NewCommand } from "../store/command-store.ts";
import { laneOf, type CommandStatus, type JsonObject, type RetryPolicy } from "./command.ts";
import { checkRequest, refuse } from "./check-request.ts";
import { defaultPriority, defaultType, type CommandRequest } from "./command-request.ts";
import { canonicalJson } from "./json-text.ts";
import { checkAnnounced, checkBuiltIn, isBuiltIn, type TypedRequest } from "./parameters.ts";

export interface QueueingDeps {
  store: CommandStore;
  clock: Clock;
  metrics: CommandServerMetrics;
  defaultTimeoutMs: number;
}

export interface QueuedCommand {
  commandId: string;
  /** `queued`; for a repeat under the same idempotency key, the status that it has now. */
  status: CommandStatus;
}

/**
 * The rules of queueing, the same for HTTP and gRPC: checks a request from outside and stores the command for the
 * principal's company. Resolves when it is durable.
 *
 * Throws `invalid_request`, `unsupported`, `invalid_parameters`, `unknown_type`, `agent_unknown`,
 * `idempotency_key_reused`, `store_unavailable`.
 */
export async function queueCommand(
  deps: QueueingDeps,
  principal: Principal,
  body: unknown,
  traceparent: string | null,
): Promise<QueuedCommand> {
  const request = checkRequest(body, deps.clock.now());
  const typed = typedRequest(request);
  const agentId = request.agentId ?? refuse(httpErrors.invalid_request, [{ path: "/agentId", message: "is needed" }]);
  await checkParameters(deps.store, principal.companyId, agentId, typed, request.allowUnknownAgent ?? false);

  const work = {
    ...typed,
    agentId,
    priority: request.priority ?? defaultPriority,
    // PING and FACTS change nothing, so that an agent may skip its ledger for them.
    idempotent: request.idempotent ?? (typed.type === "PING" || typed.type === "FACTS"),
    retry: retryPolicy(request),
    allowUnknownAgent: request.allowUnknownAgent ?? false,
  };
  const outcome = await deps.store.enqueue({
    ...work,
    commandId: uuidv7(),
    companyId: principal.companyId,
    lane: laneOf(typed.type),
    timeoutMs: request.timeoutSeconds === undefined ? deps.defaultTimeoutMs : request.timeoutSeconds * 1000,
    expiresAt: request.expiresAt === undefined ? null : new Date(request.expiresAt),
    idempotencyKey: idempotencyOf(request, work),
    traceparent,
    createdBy: `${principal.kind}:${principal.id}`,
  });

  switch (outcome.kind) {
    case "queued":
      deps.metrics.queued(typed.type);
      return { commandId: outcome.commandId, status: "queued" };
    case "duplicate":
      return { commandId: outcome.commandId, status: outcome.status };
    case "key_reused":
      throw new FleetwireError(errors.idempotency_key_reused);
    case "agent_unknown":
      throw new FleetwireError(errors.agent_unknown, undefined, { details: { agentId } });
  }
}

function typedRequest(request: CommandRequest): TypedRequest {
  return {
    type: request.type ?? defaultType,
    command: request.command ?? null,
    args: request.args ?? null,
    parameters: (request.parameters ?? {}) as JsonObject,
  };
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

function retryPolicy(request: CommandRequest): RetryPolicy | null {
  if (request.retry === undefined) return null;
  return { maxAttempts: request.retry.maxAttempts, on: request.retry.on ?? ["interrupted", "ledger_lost"] };
}

/**
 * The key and a hash of what it stands for: the same for requests of equal meaning, whichever way they came and
 * however they were written. What the server's settings decide counts as not said.
 */
function idempotencyOf(request: CommandRequest, work: Record<string, unknown>): NewCommand["idempotencyKey"] {
  if (request.idempotencyKey === undefined) return null;
  const meaning = {
    ...work,
    timeoutSeconds: request.timeoutSeconds ?? null,
    expiresAt: request.expiresAt === undefined ? null : new Date(request.expiresAt).toISOString(),
  };
  const bodyHash = createHash("sha256").update(canonicalJson(meaning)).digest("hex");
  return { key: request.idempotencyKey, bodyHash };
}
