import { STATUS_CODES } from "node:http";
import type { JsonObject } from "../json.ts";
import { mappingOf } from "./error-kind.ts";
import { asFleetwireError, clientMessage, type Violation } from "./fleetwire-error.ts";

/** An RFC 9457 problem document, sent as `application/problem+json`. */
export interface Problem {
  type: "about:blank";
  /** The status' own words, as RFC 9457 asks for with about:blank. */
  title: string;
  status: number;
  /** One sentence about this occurrence. */
  detail: string;
  /** The code to act on; each service lists its own in its OpenAPI. */
  code: string;
  requestId?: string;
  errors?: readonly Violation[];
  details?: JsonObject;
}

export const problemContentType = "application/problem+json; charset=utf-8";

/** What the client is told. Anything but a FleetwireError becomes `internal_error`, without its message or stack. */
export function toProblem(error: unknown, requestId?: string): Problem {
  const known = asFleetwireError(error);
  const status = known.spec.httpStatus ?? mappingOf(known.kind).http;
  const internal = known.kind === "internal";
  return {
    type: "about:blank",
    title: STATUS_CODES[status] ?? "Error",
    status,
    detail: clientMessage(known),
    code: known.code,
    ...(requestId === undefined ? {} : { requestId }),
    ...(known.violations === undefined || internal ? {} : { errors: known.violations }),
    ...(known.details === undefined || internal ? {} : { details: known.details }),
  };
}

const defaultRetryAfterMs = 1_000;

/** How long the client is to wait (ms), or null where trying again wouldn't help. `unavailable` always says one. */
export function retryAfterMs(error: unknown): number | null {
  const known = asFleetwireError(error);
  return known.retryAfterMs ?? (known.kind === "unavailable" ? defaultRetryAfterMs : null);
}
