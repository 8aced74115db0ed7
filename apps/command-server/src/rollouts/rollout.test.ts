import * as fc from "fast-check";
import { describe, expect, test } from "vitest";
import { commandStatuses } from "../commands/command.ts";
import { isError, isRetried, isSettled, nextStep, rolloutStatuses, type Standing } from "./rollout.ts";

const running: Standing = {
  status: "running",
  pending: 10,
  queued: 0,
  live: 0,
  errors: 0,
  maxConcurrency: null,
  maxErrors: null,
  expired: false,
};

describe("the next step of a rollout", () => {
  test.each<[string, Partial<Standing>, ReturnType<typeof nextStep>]>([
    ["queues as many as it may at once", {}, { do: "queue", count: 5 }],
    ["queues no more than there are", { pending: 2 }, { do: "queue", count: 2 }],
    ["queues what its concurrency leaves free", { maxConcurrency: 4, live: 1 }, { do: "queue", count: 3 }],
    ["waits while its concurrency leaves nothing free", { maxConcurrency: 4, live: 4 }, { do: "wait" }],
    ["waits when more live than it may have", { maxConcurrency: 4, live: 6 }, { do: "wait" }],
    [
      "queues what can't run any more all the same",
      { maxConcurrency: 4, live: 4, expired: true },
      { do: "queue", count: 5 },
    ],
    ["halts it at one error too many", { maxErrors: 2, errors: 3 }, { do: "halt" }],
    ["goes on at as many errors as it may have", { maxErrors: 2, errors: 2 }, { do: "queue", count: 5 }],
    ["goes on at any number of errors where none halt it", { errors: 9 }, { do: "queue", count: 5 }],
    ["halts it also where all has been queued and has ended", { pending: 0, maxErrors: 0, errors: 1 }, { do: "halt" }],
    ["waits for the last commands", { pending: 0, live: 1 }, { do: "wait" }],
    ["completes it when the last has ended", { pending: 0 }, { do: "complete" }],
    ["cancels what waits of one that has ended", { status: "stopped", queued: 1, live: 2 }, { do: "cancel" }],
    ["waits for what runs of one that has ended", { status: "halted", live: 1 }, { do: "wait" }],
    ["settles one that has ended when nothing of it lives", { status: "halted" }, { do: "settle" }],
  ])("%s", (_what, now, step) => {
    expect(nextStep({ ...running, ...now }, 5)).toEqual(step);
  });

  test("never queues more than it was allowed to, or anything of a rollout that has ended or has too many errors", () => {
    const count = fc.nat({ max: 8 });
    const standing = fc.record({
      status: fc.constantFrom(...rolloutStatuses),
      pending: count,
      queued: count,
      live: count,
      errors: count,
      maxConcurrency: fc.option(fc.integer({ min: 1, max: 8 })),
      maxErrors: fc.option(count),
      expired: fc.boolean(),
    });
    fc.assert(
      fc.property(standing, fc.integer({ min: 1, max: 8 }), (now, limit) => {
        const step = nextStep(now, limit);
        const count = step.do === "queue" ? step.count : 0;
        const mayQueue = now.status === "running" && now.errors <= (now.maxErrors ?? Infinity);
        const free = now.expired ? Infinity : Math.max(0, (now.maxConcurrency ?? Infinity) - now.live);
        expect(count).toBe(mayQueue ? Math.min(limit, now.pending, free) : 0);
      }),
    );
  });
});

test("errors are runs that failed or took too long, not what was never delivered", () => {
  expect(commandStatuses.filter((status) => isError(status, null))).toEqual(["failed", "timeout"]);
  expect(isError("timeout", "timeout")).toBe(true);
  expect(isError("timeout", "start_unknown")).toBe(false);
  expect(isError("failed", "ledger_lost")).toBe(true);
});

test("a retry takes on what failed or never began, not what is running, went well or was cancelled by itself", () => {
  const retried = ["pending" as const, "removed" as const, ...commandStatuses].filter((status) =>
    isRetried(status, null),
  );
  expect(retried).toEqual(["pending", "failed", "timeout", "expired"]);
  expect(isRetried("cancelled", "rollout_stopped")).toBe(true);
  expect(isRetried("cancelled", "rollout_halted")).toBe(true);
  expect(isRetried("cancelled", "cancelled")).toBe(false);
});

test("a rollout is settled when it is over and none of its commands lives", () => {
  const counts = { targets: 1, pending: 0, completed: 0, failed: 0, timeout: 0, cancelled: 1, expired: 0, errors: 0 };
  const settled = (status: "running" | "halted", queued: number, assigned: number) =>
    isSettled({ status, counts: { ...counts, queued, assigned } });
  expect(settled("halted", 0, 0)).toBe(true);
  expect(settled("halted", 0, 1)).toBe(false);
  expect(settled("halted", 1, 0)).toBe(false);
  expect(settled("running", 0, 0)).toBe(false);
});
