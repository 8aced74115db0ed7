import { Type, type Static } from "typebox";
import { targetFields } from "../rollouts/target-request.ts";
import { retryReasons } from "./command.ts";
import { commandTypePattern } from "./command-type.ts";

/** Largest sizes of a request, bytes of UTF-8 where they are sizes. */
export const limits = {
  commandBytes: 128 * 1024,
  args: 1024,
  /** All arguments together: what Linux takes for one of them. */
  argsBytes: 128 * 1024,
  parametersBytes: 256 * 1024,
  /** Levels of the whole request. */
  depth: 64,
  timeoutSeconds: 86_400,
  expiresAheadMs: 30 * 24 * 3600 * 1000,
} as const;

export const defaultPriority = 6;
export const defaultType = "SHELL";

/** 1–128 characters, not beginning with "-" or ".": safe in a path, a URL and a shell line. */
export const agentIdPattern = "^[A-Za-z0-9_][A-Za-z0-9._-]{0,127}$";

export const RetrySchema = Type.Object(
  {
    maxAttempts: Type.Integer({ minimum: 2, maximum: 10, description: "All runs together." }),
    on: Type.Optional(
      Type.Array(Type.Enum([...retryReasons]), {
        minItems: 1,
        maxItems: retryReasons.length,
        description: "What leads to another run. Default: interrupted, ledger_lost.",
      }),
    ),
  },
  { additionalProperties: false, description: "Leave to run again after it had started. Without it, never." },
);

/** What an operator asks for, over HTTP as it stands and over gRPC after its fields were named alike. */
export const CommandRequestSchema = Type.Object(
  {
    agentId: Type.Optional(
      Type.String({ pattern: agentIdPattern, description: "One of `agentId`, `fleetId` and `selector` is needed." }),
    ),
    ...targetFields,
    type: Type.Optional(Type.String({ pattern: commandTypePattern, default: defaultType })),
    command: Type.Optional(
      Type.String({
        minLength: 1,
        description: "SHELL: a line for the agent's shell, or, with `args`, a program. At most 128 KiB.",
      }),
    ),
    args: Type.Optional(
      Type.Array(Type.String(), {
        maxItems: limits.args,
        description: "SHELL: run `command` with these and without a shell. At most 128 KiB together.",
      }),
    ),
    parameters: Type.Optional(
      Type.Object(
        {},
        { additionalProperties: true, description: "As the type says. At most 256 KiB, 62 levels deep." },
      ),
    ),
    timeoutSeconds: Type.Optional(
      Type.Integer({ minimum: 1, maximum: limits.timeoutSeconds, description: "From the start of execution." }),
    ),
    priority: Type.Optional(
      Type.Integer({ minimum: 0, maximum: 10, default: defaultPriority, description: "Higher is sooner." }),
    ),
    idempotencyKey: Type.Optional(
      Type.String({ minLength: 1, maxLength: 255, description: "The same key and body again queue nothing new." }),
    ),
    idempotent: Type.Optional(
      Type.Boolean({
        description:
          "Running it twice does no harm: it may follow the agent to a new ledger. Default: for PING and FACTS.",
      }),
    ),
    expiresAt: Type.Optional(
      Type.String({
        format: "date-time",
        description: "Not started by then: expired. At most 30 days ahead; default 24 h.",
      }),
    ),
    allowUnknownAgent: Type.Optional(
      Type.Boolean({ default: false, description: "Store it even if no such agent has enrolled yet." }),
    ),
    retry: Type.Optional(RetrySchema),
  },
  { additionalProperties: false },
);

export type CommandRequest = Static<typeof CommandRequestSchema>;
