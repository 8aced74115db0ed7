import { createHash } from "node:crypto";
import type { Principal } from "@fleetwire/service";
import type { NewCommand } from "../store/command-store.ts";
import { laneOf, type JsonObject, type JsonValue, type RetryPolicy } from "./command.ts";
import { defaultPriority, defaultType, type CommandRequest } from "./command-request.ts";
import { canonicalJson } from "./json-text.ts";
import type { TypedRequest } from "./parameters.ts";

/** What a request asks for, whichever agent does it, as far as the request says it: the settings have no part in it. */
export interface Work extends TypedRequest {
  priority: number;
  idempotent: boolean;
  retry: RetryPolicy | null;
}

export function workOf(request: CommandRequest): Work {
  const type = request.type ?? defaultType;
  return {
    type,
    command: request.command ?? null,
    args: request.args ?? null,
    parameters: (request.parameters ?? {}) as JsonObject,
    priority: request.priority ?? defaultPriority,
    // PING and FACTS change nothing, so that an agent may skip its ledger for them.
    idempotent: request.idempotent ?? (type === "PING" || type === "FACTS"),
    retry: retryPolicy(request),
  };
}

function retryPolicy(request: CommandRequest): RetryPolicy | null {
  if (request.retry === undefined) return null;
  return { maxAttempts: request.retry.maxAttempts, on: request.retry.on ?? ["interrupted", "ledger_lost"] };
}

type Template = Work & Pick<NewCommand, "lane" | "timeoutMs" | "traceparent" | "createdBy">;

/** All of a command that doesn't depend on the agent, its id and its expiry apart. */
export function templateOf(
  work: Work,
  request: CommandRequest,
  by: { principal: Principal; traceparent: string | null; defaultTimeoutMs: number },
): Template {
  return {
    ...work,
    lane: laneOf(work.type),
    timeoutMs: request.timeoutSeconds === undefined ? by.defaultTimeoutMs : request.timeoutSeconds * 1000,
    traceparent: by.traceparent,
    createdBy: `${by.principal.kind}:${by.principal.id}`,
  };
}

/** Null: the default. */
export function expiryOf({ expiresAt }: CommandRequest): Date | null {
  return expiresAt === undefined ? null : new Date(expiresAt);
}

/**
 * The key and a hash of what it stands for: the same for requests of equal meaning, whichever way they came and
 * however they were written. What the server's settings decide counts as not said.
 *
 * @param meaning the work, and whom it is for
 */
export function idempotencyOf(request: CommandRequest, meaning: object): NewCommand["idempotencyKey"] {
  if (request.idempotencyKey === undefined) return null;
  const whole = {
    ...meaning,
    timeoutSeconds: request.timeoutSeconds ?? null,
    expiresAt: expiryOf(request)?.toISOString() ?? null,
  };
  return { key: request.idempotencyKey, bodyHash: hashOf(whole) };
}

/** Of a JSON value, whatever the order of its keys. */
export function hashOf(meaning: object): string {
  return createHash("sha256")
    .update(canonicalJson(meaning as JsonValue))
    .digest("hex");
}
