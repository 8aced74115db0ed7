import { Validator } from "@cfworker/json-schema";
import type { Assign } from "@fleetwire/proto";
import { AgentError, exitCodes } from "../exit-codes.ts";
import type { CommandHandler, CommandRequest, Rejection } from "./handler.ts";

export type Prepared =
  { kind: "ready"; handler: CommandHandler; request: CommandRequest } | { kind: "rejected"; rejection: Rejection };

export interface CommandTypes {
  /** In the order in which they were given. */
  readonly handlers: readonly CommandHandler[];
  /** Finds the handler of a frame and checks the frame's parameters. */
  prepare(frame: Assign): Prepared;
}

/**
 * The types of command that this agent offers: of those that it has, all or the named ones.
 *
 * @throws AgentError `badSettings`: two of one name, or none of a name that is to be offered.
 */
export function createCommandTypes(all: readonly CommandHandler[], offered: readonly string[] | null): CommandTypes {
  for (const { type } of all) {
    if (all.filter((handler) => handler.type === type).length === 1) continue;
    throw new AgentError(exitCodes.badSettings, `there are two of the type ${type}: a plug-in needs a name of its own`);
  }
  const missing = offered?.find((type) => all.every((handler) => handler.type !== type));
  if (missing !== undefined) {
    const known = all.map(({ type }) => type).join(", ");
    throw new AgentError(exitCodes.badSettings, `types: there is no type ${missing}; there are ${known}`);
  }
  const handlers = all.filter(({ type }) => offered === null || offered.includes(type));
  const known = new Map(handlers.map((handler) => [handler.type, { handler, validator: validatorOf(handler) }]));

  function prepare(frame: Assign): Prepared {
    const entry = known.get(frame.type);
    if (entry === undefined) return rejected("unsupported_type", `this agent doesn't offer the type ${frame.type}`);
    const parameters = parseParameters(frame.parametersJson);
    if (parameters === null) return rejected("invalid_parameters", "the parameters aren't a JSON object");
    const { valid, errors } = entry.validator?.validate(parameters) ?? { valid: true, errors: [] };
    if (!valid) {
      const last = errors.at(-1);
      return rejected(
        "invalid_parameters",
        `${last?.instanceLocation ?? "#"}: ${last?.error ?? "not as the schema says"}`,
      );
    }
    const request: CommandRequest = {
      commandId: frame.commandId,
      attempt: frame.attempt,
      command: frame.command,
      args: frame.hasArgs ? frame.args : null,
      parameters,
      traceparent: frame.traceparent,
    };
    const rejection = entry.handler.reject?.(request) ?? null;
    return rejection === null ? { kind: "ready", handler: entry.handler, request } : { kind: "rejected", rejection };
  }

  return { handlers, prepare };
}

function validatorOf(handler: CommandHandler): Validator | null {
  return handler.parametersSchema === null ? null : new Validator(handler.parametersSchema, "2020-12");
}

function parseParameters(json: string): Record<string, unknown> | null {
  if (json === "") return {};
  try {
    const value: unknown = JSON.parse(json);
    return typeof value === "object" && value !== null && !Array.isArray(value)
      ? (value as Record<string, unknown>)
      : null;
  } catch {
    return null;
  }
}

function rejected(error: string, errorMessage: string): Prepared {
  return { kind: "rejected", rejection: { error, errorMessage } };
}
