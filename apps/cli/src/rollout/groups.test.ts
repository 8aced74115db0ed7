import pc from "picocolors";
import { expect, test } from "vitest";
import { readGroup } from "../api/rollout-group.ts";
import { groupLines } from "./groups.ts";

function lines(change: object): string[] {
  const group = { status: "completed", exitCode: 0, error: null, count: 2, output: "", outputBytes: 0 };
  return groupLines(readGroup({ ...group, agents: ["a1", "a2"], ...change }), pc.createColors(false));
}

test("a group says how many agents, how it ended, and some of them by name", () => {
  expect(lines({ output: "one\ntwo\n", outputBytes: 8 })).toEqual(["2 agents  completed  a1, a2", "  one", "  two"]);
  expect(lines({ count: 1, agents: ["a1"] })).toEqual(["1 agent  completed  a1", "  (no output)"]);
  const agents = Array.from({ length: 10 }, (_, index) => `a${index}`);
  expect(lines({ count: 97, agents })[0]).toBe("97 agents  completed  a0, a1, a2, a3, a4, a5, a6, a7 and 89 more");
});

test("what went wrong is in the heading", () => {
  expect(lines({ status: "failed", exitCode: 3 })[0]).toBe("2 agents  failed with exit code 3  a1, a2");
  expect(lines({ status: "timeout", exitCode: null, error: "start_unknown" })[0]).toBe(
    "2 agents  timeout (start_unknown)  a1, a2",
  );
  expect(lines({ status: "timeout", exitCode: 143, error: "timeout" })[0]).toBe("2 agents  timeout  a1, a2");
});

test("output that is cut says so", () => {
  expect(lines({ output: "x".repeat(4096), outputBytes: 9000 }).at(-1)).toBe("  … 9000 bytes in all");
});

test("no output can colour the terminal, or pass for another group's heading", () => {
  const hostile = lines({
    output: "\u001b[2J\n9 agents  completed\r\u009b31m\n",
    agents: ["\u001b]0;x\u0007", "b\n1 agent  completed"],
    status: "failed\n",
  });
  // oxlint-disable-next-line no-control-regex -- what must not be there
  expect(hostile.join("")).not.toMatch(/[\u0000-\u001f\u007f-\u009f]/);
  expect(hostile.slice(1).every((line) => line.startsWith("  "))).toBe(true);
});
