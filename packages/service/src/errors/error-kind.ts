import { status as grpc } from "@grpc/grpc-js";

/** What a message's consumer does about a failure: done with it, run it again later, or dead-letter it. */
export type AckDecision = "ack" | "retry" | "reject";

interface KindMapping {
  http: number;
  grpc: grpc;
  ack: AckDecision;
}

/**
 * The one place where kinds of failure become statuses. `unprocessable` is well-formed input that can't be acted on
 * (semantic refusal); `invalid` is input that is malformed or breaks the schema.
 */
const kinds = {
  invalid: { http: 400, grpc: grpc.INVALID_ARGUMENT, ack: "reject" },
  unauthenticated: { http: 401, grpc: grpc.UNAUTHENTICATED, ack: "reject" },
  forbidden: { http: 403, grpc: grpc.PERMISSION_DENIED, ack: "reject" },
  not_found: { http: 404, grpc: grpc.NOT_FOUND, ack: "reject" },
  conflict: { http: 409, grpc: grpc.ALREADY_EXISTS, ack: "reject" },
  unprocessable: { http: 422, grpc: grpc.FAILED_PRECONDITION, ack: "reject" },
  too_large: { http: 413, grpc: grpc.RESOURCE_EXHAUSTED, ack: "reject" },
  too_many: { http: 429, grpc: grpc.RESOURCE_EXHAUSTED, ack: "retry" },
  unavailable: { http: 503, grpc: grpc.UNAVAILABLE, ack: "retry" },
  timeout: { http: 504, grpc: grpc.DEADLINE_EXCEEDED, ack: "retry" },
  internal: { http: 500, grpc: grpc.INTERNAL, ack: "retry" },
} as const satisfies Record<string, KindMapping>;

export type ErrorKind = keyof typeof kinds;

/** The statuses of a kind. */
export function mappingOf(kind: ErrorKind): KindMapping {
  return kinds[kind];
}
