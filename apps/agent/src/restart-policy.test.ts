import { expect, test } from "vitest";
import { exitCodes } from "./exit-codes.ts";
import { createRestartPolicy } from "./restart-policy.ts";

function policyAt() {
  const time = { now: 0 };
  return { time, policy: createRestartPolicy({ monotonicMs: () => time.now, random: () => 1 }) };
}
const ranMs = 1_000;

test("75 starts it again at once, five times in a minute; the sixth waits for the minute to pass", () => {
  const { time, policy } = policyAt();
  const waits = Array.from({ length: 6 }, () => {
    time.now += 1_000;
    const verdict = policy.decide({ code: exitCodes.restart, signal: null, ranMs });
    return verdict.kind === "start" ? verdict.afterMs : "end";
  });
  // The first was at 1 s: from 61 s on there is room again.
  expect(waits).toEqual([0, 0, 0, 0, 0, 55_000]);
  time.now = 200_000;
  expect(policy.decide({ code: exitCodes.restart, signal: null, ranMs })).toMatchObject({ afterMs: 0 });
});

test("a crash waits longer each time, and shortly again after it ran for a minute", () => {
  const { policy } = policyAt();
  const crash = (ran: number) => policy.decide({ code: null, signal: "SIGKILL", ranMs: ran });
  expect([crash(10), crash(10), crash(10)]).toMatchObject([{ afterMs: 1_000 }, { afterMs: 2_000 }, { afterMs: 4_000 }]);
  expect(crash(60_000)).toMatchObject({ afterMs: 1_000, why: "crash" });
  expect(policy.decide({ code: 1, signal: null, ranMs: 10 })).toMatchObject({ kind: "start", why: "crash" });
});

test.each([
  exitCodes.stopped,
  exitCodes.superseded,
  exitCodes.dataUnavailable,
  exitCodes.refused,
  exitCodes.badSettings,
])("%i is the end, with the same code", (code) => {
  expect(policyAt().policy.decide({ code, signal: null, ranMs })).toEqual({ kind: "end", exitCode: code });
});
