import { FleetwireError } from "@fleetwire/service";
import { checkRequest } from "../../../commands/check-request.ts";
import { laneOf, type JsonObject } from "../../../commands/command.ts";
import { defaultPriority, defaultType, type CommandRequest } from "../../../commands/command-request.ts";
import { checkBuiltIn } from "../../../commands/parameters.ts";
import type { NewCommand } from "../../command-store.ts";

/** What a command has to look like to be carried to an agent. */
const idPattern = /^[A-Za-z0-9][A-Za-z0-9._-]{0,35}$/;

export interface ForeignDefaults {
  companyId: string;
  defaultTimeoutMs: number;
}

/**
 * The command that another program wrote under `command:queue:{id}`, checked like a request over HTTP. A string says what is wrong with it.
 * `now` is the store's clock, for an `expires_at` alone.
 */
export function readForeignRecord(id: string, text: string, now: Date, o: ForeignDefaults): NewCommand | string {
  if (!idPattern.test(id)) return "its id isn't 1 to 36 of [A-Za-z0-9._-]";
  const fields = parse(text);
  if (fields === null) return "it isn't a JSON object";
  const named = fields["command_id"] ?? fields["id"];
  if (named !== undefined && named !== id) return "its command_id is another one than its key's";
  if (fields["status"] !== undefined && fields["status"] !== "queued") return "its status isn't queued";
  try {
    const request = checkRequest(toRequest(fields), now);
    if (request.agentId === undefined) return "it names no agent_id";
    return toCommand(id, request.agentId, request, o);
  } catch (error) {
    if (error instanceof FleetwireError) return error.message;
    throw error;
  }
}

function parse(text: string): Record<string, unknown> | null {
  try {
    const value: unknown = JSON.parse(text);
    // oxlint-disable-next-line typescript/no-unsafe-type-assertion -- an object of whatever values, which are checked one by one
    return typeof value === "object" && value !== null && !Array.isArray(value)
      ? (value as Record<string, unknown>)
      : null;
  } catch {
    return null;
  }
}

/** The documented names as those of a request; what isn't known is ignored, as in any record of a newer version. */
function toRequest(fields: Record<string, unknown>): unknown {
  const { timeout } = fields;
  const request = {
    agentId: fields["agent_id"],
    type: fields["command_type"],
    command: fields["command"] === "" ? undefined : fields["command"],
    args: fields["args"],
    parameters: fields["parameters"],
    timeoutSeconds: typeof timeout === "number" && timeout > 0 ? Math.ceil(timeout) : timeout,
    priority: fields["priority"],
    idempotent: fields["idempotent"],
    expiresAt: fields["expires_at"],
  };
  return Object.fromEntries(Object.entries(request).filter(([, value]) => value !== undefined && value !== null));
}

function toCommand(id: string, agentId: string, request: CommandRequest, o: ForeignDefaults): NewCommand | string {
  const type = request.type ?? defaultType;
  // oxlint-disable-next-line typescript/no-unsafe-type-assertion -- the schema took it as a JSON object
  const parameters = (request.parameters ?? {}) as JsonObject;
  const typed = { type, command: request.command ?? null, args: request.args ?? null, parameters };
  const [problem] = checkBuiltIn(typed);
  if (problem !== undefined) return `${problem.path} ${problem.message}`;
  return {
    ...typed,
    commandId: id,
    companyId: o.companyId,
    agentId,
    lane: laneOf(type),
    timeoutMs: request.timeoutSeconds === undefined ? o.defaultTimeoutMs : request.timeoutSeconds * 1000,
    priority: request.priority ?? defaultPriority,
    idempotent: request.idempotent ?? (type === "PING" || type === "FACTS"),
    retry: null,
    expiresAt: request.expiresAt === undefined ? null : new Date(request.expiresAt),
    idempotencyKey: null,
    allowUnknownAgent: true,
    traceparent: null,
    createdBy: "service:valkey",
  };
}
