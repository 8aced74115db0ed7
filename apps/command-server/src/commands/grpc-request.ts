import { FleetwireError, httpErrors } from "@fleetwire/service";
import type { CommandServiceHandlers, QueueCommandRequest } from "@fleetwire/proto";
import type { CommandStatus } from "./command.ts";
import type { ListCommands } from "../store/command-store.ts";
import { instantText, statusOfMessage } from "./command-message.ts";
import { agentIdPattern, limits } from "./command-request.ts";
import { commandTypePattern } from "./command-type.ts";

/**
 * A QueueCommandRequest in the words of the HTTP API, for the rules that both share. proto3 can't tell an empty text
 * from none; where empty is no value of its own, it means none.
 */
export function requestFromMessage(message: QueueCommandRequest): Record<string, unknown> {
  return {
    ...given("agentId", message.agentId),
    ...workFromMessage(message),
    ...(message.allowUnknownAgent ? { allowUnknownAgent: true } : {}),
  };
}

/** What each command is to be, of whatever message says it. */
export function workFromMessage(
  message: Omit<QueueCommandRequest, "agentId" | "allowUnknownAgent">,
): Record<string, unknown> {
  return {
    ...given("type", message.type),
    ...given("command", message.command),
    ...(message.args ? { args: message.args.values } : {}),
    ...(message.parametersJson === "" ? {} : { parameters: readParameters(message.parametersJson) }),
    ...(message.timeoutSeconds === 0 ? {} : { timeoutSeconds: message.timeoutSeconds }),
    ...(message.priority === undefined ? {} : { priority: message.priority }),
    ...given("idempotencyKey", message.idempotencyKey),
    ...(message.idempotent ? { idempotent: true } : {}),
    ...(message.expiresAt ? { expiresAt: instantText(message.expiresAt) } : {}),
    ...(message.retry
      ? {
          retry: {
            maxAttempts: message.retry.maxAttempts,
            ...(message.retry.on.length > 0 ? { on: message.retry.on } : {}),
          },
        }
      : {}),
  };
}

function given(name: string, text: string): Record<string, string> {
  return text === "" ? {} : { [name]: text };
}

function readParameters(json: string): unknown {
  if (Buffer.byteLength(json) > limits.parametersBytes * 2) invalid("parameters_json is too large.");
  try {
    return JSON.parse(json);
  } catch {
    return invalid("parameters_json isn't JSON.");
  }
}

/** How many a page may hold. Throws `invalid_request`. */
export function limitFromMessage(limit: number): number {
  if (limit > 500) invalid("limit is more than 500.");
  return limit === 0 ? 50 : limit;
}

/** Throws `invalid_request`. */
export function cursorFromMessage(cursor: string): string | null {
  if (cursor.length > 512) invalid("cursor is too long.");
  return cursor === "" ? null : cursor;
}

/** Null: any agent's. Throws `invalid_request`. */
export function agentIdFromMessage(agentId: string): string | null {
  if (agentId !== "" && !agentIdForm.test(agentId)) invalid("agent_id isn't an agent's id.");
  return agentId === "" ? null : agentId;
}

/** Throws `invalid_request`. */
export function statusesFromMessage(statuses: readonly (string | number)[]): CommandStatus[] {
  return statuses.map((status) => statusOfMessage(status) ?? invalid("statuses has an unknown one."));
}

type ListCommandsRequest = Parameters<CommandServiceHandlers["ListCommands"]>[0]["request"];

const agentIdForm = new RegExp(agentIdPattern);
const typeForm = new RegExp(commandTypePattern);

/** A list query for the company. Throws `invalid_request`. */
export function listFromMessage(message: ListCommandsRequest, companyId: string): ListCommands {
  const { type } = message;
  if (type !== "" && !typeForm.test(type)) invalid("type isn't a command type.");
  const agentId = agentIdFromMessage(message.agentId);
  const statuses = statusesFromMessage(message.statuses);
  return {
    companyId,
    ...(agentId === null ? {} : { agentId }),
    ...(type === "" ? {} : { type }),
    ...(statuses.length === 0 ? {} : { statuses }),
    limit: limitFromMessage(message.limit),
    cursor: cursorFromMessage(message.cursor),
  };
}

/** Throws `invalid_request` with this sentence. */
export function invalid(message: string): never {
  throw new FleetwireError(httpErrors.invalid_request, message);
}
