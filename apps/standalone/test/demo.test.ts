import { existsSync } from "node:fs";
import { expect, test } from "vitest";
import { processesWith, readyMs, startStandalone } from "./standalone-process.ts";

test("the demo shows a command's round trip, ends with 0 and leaves no process and no file behind", async () => {
  const demo = startStandalone(undefined, ["--demo"]);
  const [, home = ""] = await demo.waitForLine(/^Starting Fleetwire in (\S+) /, readyMs);
  const { code } = await demo.exited;
  expect([code, demo.stderr]).toEqual([0, []]);
  const shown = demo.stdout.join("\n");
  expect(shown).toMatch(/output +hello from \S+/);
  expect(shown).toMatch(/Round trip: \d+ ms/);
  expect(shown).toMatch(/API docs +http:\/\/127\.0\.0\.1:\d+\/docs/);
  expect(existsSync(home)).toBe(false);
  expect(await processesWith(home)).toEqual([]);
}, 120_000);

test("a demo whose agent can't work fails with a clear message, and leaves nothing behind either", async () => {
  // The agent refuses to start with such a setting.
  const demo = startStandalone(undefined, ["--demo"], { FLEETWIRE_LOG_LEVEL: "loud" });
  const [, home = ""] = await demo.waitForLine(/^Starting Fleetwire in (\S+) /, readyMs);
  const { code } = await demo.exited;
  expect(code).toBe(1);
  expect(demo.stderr[0]).toBe("fleetwire: the agent local ended (exit code 78) before the first command came back");
  expect(demo.stderr.join("\n")).toContain("FLEETWIRE_LOG_LEVEL");
  expect([existsSync(home), await processesWith(home)]).toEqual([false, []]);
}, 120_000);
