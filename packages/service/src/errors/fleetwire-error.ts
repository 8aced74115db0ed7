import type { JsonObject } from "../json.ts";
import type { AckDecision, ErrorKind } from "./error-kind.ts";

/** One entry of a service's `errors.ts`. */
export interface ErrorSpec {
  /** snake_case; clients may act on it, so it never changes its meaning. */
  readonly code: string;
  readonly kind: ErrorKind;
  /** One sentence for the client, where the throw says nothing more precise. */
  readonly message: string;
  /** An HTTP status more precise than the kind's, such as 405 or 415. */
  readonly httpStatus?: number;
  /** Another decision than the kind's for a message that failed with this. */
  readonly ack?: AckDecision;
}

export interface Violation {
  /** JSON pointer into the input, after its part: `body/priority`, `query/limit`. */
  path: string;
  message: string;
}

export interface ErrorExtra {
  /** Sent to the client: nothing that it may not know. */
  details?: JsonObject;
  /** When to try again. */
  retryAfterMs?: number;
  violations?: readonly Violation[];
  /** For the log only. */
  cause?: unknown;
}

/**
 * Gives each code of a service's table its `code`. Codes are the keys:
 * `defineErrors({ agent_unknown: { kind: "not_found", message: "There is no such agent." } })`.
 */
export function defineErrors<const C extends Record<string, Omit<ErrorSpec, "code">>>(
  table: C,
): { readonly [K in keyof C & string]: ErrorSpec & { readonly code: K } } {
  const entries = Object.entries(table).map(([code, spec]) => [code, { ...spec, code }]);
  // oxlint-disable-next-line typescript/no-unsafe-type-assertion -- fromEntries doesn't keep which key has which code
  return Object.fromEntries(entries) as { readonly [K in keyof C & string]: ErrorSpec & { readonly code: K } };
}

/**
 * The one error class. Its message is for the client, except with kind `internal`, where the client learns the code
 * alone; what only the log may know goes into `cause`.
 */
export class FleetwireError extends Error {
  readonly code: string;
  readonly kind: ErrorKind;
  readonly spec: ErrorSpec;
  readonly details?: JsonObject;
  readonly retryAfterMs?: number;
  readonly violations?: readonly Violation[];

  constructor(spec: ErrorSpec, message: string = spec.message, extra: ErrorExtra = {}) {
    super(message, extra.cause === undefined ? undefined : { cause: extra.cause });
    this.name = "FleetwireError";
    this.spec = spec;
    this.code = spec.code;
    this.kind = spec.kind;
    if (extra.details !== undefined) this.details = extra.details;
    if (extra.retryAfterMs !== undefined) this.retryAfterMs = extra.retryAfterMs;
    if (extra.violations !== undefined) this.violations = extra.violations;
  }
}

const unexpected: ErrorSpec = {
  code: "internal_error",
  kind: "internal",
  message: "Something went wrong on our side.",
};

/** The error itself, or `internal_error` with it as the cause. */
export function asFleetwireError(error: unknown): FleetwireError {
  return error instanceof FleetwireError ? error : new FleetwireError(unexpected, undefined, { cause: error });
}

/** The sentence that a client may read. */
export function clientMessage(error: FleetwireError): string {
  return error.kind === "internal" ? unexpected.message : error.message;
}
