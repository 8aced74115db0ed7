import { status as grpc } from "@grpc/grpc-js";

/** What a message's consumer does about a failure: done with it, run it again later, or dead-letter it. */
export type AckDecision = "ack" | "retry" | "reject";

interface KindMapping {
  http: number;
  grpc: number;
  ack: AckDecision;
  title: string;
}

/**
 * The one place where kinds of failure become statuses. `unprocessable` is well-formed input that can't be acted on
 * (semantic refusal); `invalid` is input that is malformed or breaks the schema.
 */
const kinds = {
  invalid: { http: 400, grpc: grpc.INVALID_ARGUMENT, ack: "reject", title: "Invalid request" },
  unauthenticated: { http: 401, grpc: grpc.UNAUTHENTICATED, ack: "reject", title: "Not authenticated" },
  forbidden: { http: 403, grpc: grpc.PERMISSION_DENIED, ack: "reject", title: "Forbidden" },
  not_found: { http: 404, grpc: grpc.NOT_FOUND, ack: "reject", title: "Not found" },
  conflict: { http: 409, grpc: grpc.ALREADY_EXISTS, ack: "reject", title: "Conflict" },
  unprocessable: { http: 422, grpc: grpc.FAILED_PRECONDITION, ack: "reject", title: "Unprocessable" },
  too_large: { http: 413, grpc: grpc.RESOURCE_EXHAUSTED, ack: "reject", title: "Too large" },
  too_many: { http: 429, grpc: grpc.RESOURCE_EXHAUSTED, ack: "retry", title: "Too many requests" },
  unavailable: { http: 503, grpc: grpc.UNAVAILABLE, ack: "retry", title: "Unavailable" },
  timeout: { http: 504, grpc: grpc.DEADLINE_EXCEEDED, ack: "retry", title: "Timed out" },
  internal: { http: 500, grpc: grpc.INTERNAL, ack: "retry", title: "Internal error" },
} as const satisfies Record<string, KindMapping>;

export type ErrorKind = keyof typeof kinds;

/** The statuses of a kind. */
export function mappingOf(kind: ErrorKind): KindMapping {
  return kinds[kind];
}
