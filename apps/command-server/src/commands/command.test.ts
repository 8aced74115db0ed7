import { describe, expect, it } from "vitest";
import { canMove, commandStatuses, isTerminal, laneOf, retryReasonOf, retryReasons, statusOf } from "./command.ts";

describe("the states of a command", () => {
  it("end in five terminal ones, from which nothing leads out", () => {
    const terminal = commandStatuses.filter(isTerminal);
    expect(terminal).toEqual(["completed", "failed", "timeout", "cancelled", "expired"]);
    for (const from of terminal) for (const to of commandStatuses) expect(canMove(from, to)).toBe(false);
  });

  it("can all be reached from queued", () => {
    const reached = new Set<string>(["queued"]);
    for (const from of ["queued", "assigned"] as const) {
      for (const to of commandStatuses) if (canMove(from, to)) reached.add(to);
    }
    expect([...reached].toSorted()).toEqual([...commandStatuses].toSorted());
  });

  it("never lead from queued to an agent's answer, nor from assigned to expired", () => {
    for (const to of ["completed", "failed", "timeout"] as const) expect(canMove("queued", to)).toBe(false);
    expect(canMove("assigned", "expired")).toBe(false);
  });
});

describe("an agent's answer", () => {
  it("is completed by exit code 0 alone", () => {
    expect(statusOf("exited", 0)).toBe("completed");
    for (const exitCode of [1, 137, -1]) expect(statusOf("exited", exitCode)).toBe("failed");
  });

  it("decides by its outcome where nothing exited, whatever the code", () => {
    for (const outcome of ["failed", "timeout", "cancelled"] as const) expect(statusOf(outcome, 0)).toBe(outcome);
  });

  it("may lead to another run for its own reason only", () => {
    expect(retryReasonOf("exited", 0, null)).toBeNull();
    expect(retryReasonOf("exited", 2, null)).toBe("exit_code");
    expect(retryReasonOf("timeout", 143, "timeout")).toBe("timeout");
    expect(retryReasonOf("failed", -1, "interrupted")).toBe("interrupted");
    expect(retryReasonOf("failed", -1, "not_allowed")).toBeNull();
    expect(retryReasonOf("cancelled", 143, "interrupted")).toBeNull();
    // The store finds this one, no agent reports it.
    expect(retryReasons).toContain("ledger_lost");
  });
});

describe("the lane of a command", () => {
  it("is control for what a busy agent still has to answer", () => {
    for (const type of ["PING", "FACTS", "STOP", "RESTART"]) expect(laneOf(type)).toBe("control");
    for (const type of ["SHELL", "SCAN", "ping", "__proto__"]) expect(laneOf(type)).toBe("work");
  });
});
