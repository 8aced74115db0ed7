import { expect, test } from "vitest";
import { readCommand } from "../api/command.ts";
import { describeOutcome, exitCodeOf, isRemoteCode } from "./outcome.ts";

function ended(status: string, result: object | null) {
  return readCommand({ commandId: "c", agentId: "a", type: "SHELL", status, ...(result ? { result } : {}) });
}

test.each([
  ["completed", { exitCode: 0 }, 0],
  ["failed", { exitCode: 3 }, 3],
  ["failed", { exitCode: 137 }, 137],
  ["failed", { exitCode: null, error: "interrupted" }, 125],
  ["failed", { exitCode: -1, error: "spawn_failed" }, 125],
  ["timeout", { exitCode: 143, error: "timeout" }, 124],
  ["cancelled", { exitCode: 143 }, 125],
  ["expired", null, 125],
] as const)("%s with %j ends the process with %i", (status, result, code) => {
  expect(exitCodeOf(ended(status, result))).toBe(code);
});

test("what isn't the remote command's own code is explained", () => {
  expect(isRemoteCode(ended("failed", { exitCode: 3 }))).toBe(true);
  for (const command of [ended("expired", null), ended("failed", { exitCode: null, error: "ledger_lost" })]) {
    expect(isRemoteCode(command)).toBe(false);
    expect(describeOutcome(command)).toMatch(/expired|ledger_lost/);
  }
});

test("the outcome in words has code, error and time", () => {
  const command = ended("failed", {
    exitCode: null,
    error: "not_allowed",
    errorMessage: "rm isn't allowed",
    durationMs: 1200,
  });
  expect(describeOutcome(command)).toBe("failed (not_allowed) after 1.2 s: rm isn't allowed");
});
