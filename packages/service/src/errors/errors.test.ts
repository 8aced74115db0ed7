import { status } from "@grpc/grpc-js";
import { expect, test } from "vitest";
import { toAckDecision } from "./ack-decision.ts";
import { FleetwireError, defineErrors } from "./fleetwire-error.ts";
import { toGrpcStatus } from "./grpc-status.ts";
import { retryAfterMs, toProblem } from "./problem.ts";

const errors = defineErrors({
  agent_unknown: { kind: "not_found", message: "There is no such agent." },
  store_down: { kind: "unavailable", message: "The store can't be reached." },
  broken: { kind: "internal", message: "The index is corrupt at /var/lib/x." },
  gone: { kind: "not_found", message: "It was there.", httpStatus: 410, ack: "ack" },
});

test.each([
  ["invalid", 400, status.INVALID_ARGUMENT, "reject"],
  ["unauthenticated", 401, status.UNAUTHENTICATED, "reject"],
  ["forbidden", 403, status.PERMISSION_DENIED, "reject"],
  ["not_found", 404, status.NOT_FOUND, "reject"],
  ["conflict", 409, status.ALREADY_EXISTS, "reject"],
  ["too_large", 413, status.RESOURCE_EXHAUSTED, "reject"],
  ["unprocessable", 422, status.FAILED_PRECONDITION, "reject"],
  ["too_many", 429, status.RESOURCE_EXHAUSTED, "retry"],
  ["internal", 500, status.INTERNAL, "retry"],
  ["unavailable", 503, status.UNAVAILABLE, "retry"],
  ["timeout", 504, status.DEADLINE_EXCEEDED, "retry"],
] as const)("%s is HTTP %i, gRPC %i, and a message that fails with it: %s", (kind, http, grpc, ack) => {
  const error = new FleetwireError({ code: "x", kind, message: "m" });
  expect(toProblem(error).status).toBe(http);
  expect(toGrpcStatus(error).code).toBe(grpc);
  expect(toAckDecision(error)).toBe(ack);
});

test("a problem tells the client the code, the sentence, what is wrong where, and the request", () => {
  const violations = [{ path: "body/agentId", message: "unknown" }];
  const error = new FleetwireError(errors.agent_unknown, "No agent a1.", { details: { agentId: "a1" }, violations });
  expect(toProblem(error, "r1")).toEqual({
    type: "about:blank",
    title: "Not Found",
    status: 404,
    detail: "No agent a1.",
    code: "agent_unknown",
    requestId: "r1",
    errors: violations,
    details: { agentId: "a1" },
  });
});

test.each([
  new Error("password=hunter2"),
  new FleetwireError(errors.broken, "hunter2", {
    details: { hunter2: 1 },
    violations: [{ path: "hunter2", message: "" }],
  }),
  "hunter2",
  null,
])("what isn't meant for clients never reaches them: %s", (error) => {
  const told = JSON.stringify([toProblem(error), toGrpcStatus(error).details, toGrpcStatus(error).metadata.getMap()]);
  expect(told).not.toContain("hunter2");
  expect(toProblem(error).status).toBe(500);
  expect(toAckDecision(error)).toBe("retry");
});

test("gRPC metadata carries the code and when to try again", () => {
  const { metadata, details } = toGrpcStatus(new FleetwireError(errors.store_down, undefined, { retryAfterMs: 2_500 }));
  expect(details).toBe("The store can't be reached.");
  expect(metadata.get("fleetwire-code")).toEqual(["store_down"]);
  expect(metadata.get("retry-after-ms")).toEqual(["2500"]);
});

test("unavailable always says when to try again, a lasting refusal never does", () => {
  expect(retryAfterMs(new FleetwireError(errors.store_down))).toBe(1_000);
  expect(retryAfterMs(new FleetwireError(errors.agent_unknown))).toBeNull();
});

test("a spec may have a more precise status and decision than its kind", () => {
  const error = new FleetwireError(errors.gone);
  expect(toProblem(error)).toMatchObject({ status: 410, title: "Gone" });
  expect(toAckDecision(error)).toBe("ack");
});
