/* oxlint-disable vitest/no-standalone-expect, vitest/no-conditional-expect -- the model is the body of one test */
import * as fc from "fast-check";
import { describe, expect, it } from "vitest";
import { cancelledByRollout, isError, type RolloutCounts, type RolloutStatus } from "../../src/rollouts/rollout.ts";
import type { CommandStatus } from "../../src/commands/command.ts";
import type { CommandStore } from "../../src/store/command-store.ts";
import { useStore, type OpenStore } from "./fixture.ts";
import { enrolMany, rollOut, type TestRollout } from "./rollout-fixture.ts";

type Step =
  | { do: "advance"; limit: number }
  | { do: "begin" | "cancel"; pick: number }
  | { do: "end"; pick: number; exitCode: number }
  | { do: "stop" };

const targets = 8;
const pick = fc.nat({ max: targets - 1 });
const step: fc.Arbitrary<Step> = fc.oneof(
  { weight: 8, arbitrary: fc.record({ do: fc.constant("advance" as const), limit: fc.integer({ min: 1, max: 4 }) }) },
  { weight: 8, arbitrary: fc.record({ do: fc.constant("begin" as const), pick }) },
  {
    weight: 10,
    arbitrary: fc.record({ do: fc.constant("end" as const), pick, exitCode: fc.constantFrom(0, 0, 0, 1) }),
  },
  { weight: 2, arbitrary: fc.record({ do: fc.constant("cancel" as const), pick }) },
  { weight: 1, arbitrary: fc.record({ do: fc.constant("stop" as const) }) },
);
const bound = (max: number) => fc.option(fc.integer({ min: 1, max }), { freq: 3 });

/** The rules as one reads them in `rollout.ts`, by the target. */
class Model {
  status: RolloutStatus = "running";
  readonly states: (CommandStatus | "pending")[] = Array<"pending">(targets).fill("pending");
  readonly maxConcurrency: number | null;
  readonly maxErrors: number | null;

  constructor(maxConcurrency: number | null, maxErrors: number | null) {
    this.maxConcurrency = maxConcurrency;
    this.maxErrors = maxErrors;
  }

  in(...states: (CommandStatus | "pending")[]): number {
    return this.states.filter((state) => states.includes(state)).length;
  }

  counts(): RolloutCounts {
    const of = (state: CommandStatus | "pending") => this.in(state);
    return {
      targets,
      pending: of("pending"),
      queued: of("queued"),
      assigned: of("assigned"),
      completed: of("completed"),
      failed: of("failed"),
      timeout: of("timeout"),
      cancelled: of("cancelled"),
      expired: of("expired"),
      errors: this.states.filter((state) => state !== "pending" && isError(state, null)).length,
    };
  }

  cancelQueued(): void {
    for (const [target, state] of this.states.entries()) if (state === "queued") this.states[target] = "cancelled";
  }

  /** @returns how many it queued */
  advance(limit: number): number {
    if (this.status !== "running") return 0;
    if (this.maxErrors !== null && this.in("failed") > this.maxErrors) {
      this.status = "halted";
      this.cancelQueued();
      return 0;
    }
    const live = this.in("queued", "assigned");
    const free = Math.max(0, (this.maxConcurrency ?? targets) - live);
    const count = Math.min(limit, this.in("pending"), free);
    for (let n = 0; n < count; n++) this.states[this.states.indexOf("pending")] = "queued";
    if (this.in("pending", "queued", "assigned") === 0) this.status = "completed";
    return count;
  }
}

async function take(store: CommandStore, rollout: TestRollout, model: Model, next: Step): Promise<void> {
  const { companyId, rolloutId, commandIds } = rollout;
  switch (next.do) {
    case "advance": {
      const outcome = await store.advanceRollout(rolloutId, next.limit);
      const before = model.status;
      const queued = model.advance(next.limit);
      expect(outcome).toMatchObject({ queued, status: model.status });
      expect(outcome?.ended?.status ?? null).toBe(model.status === before ? null : model.status);
      return;
    }
    case "stop": {
      const outcome = await store.stopRollout(companyId, rolloutId, { cancelRunning: false });
      expect(outcome.kind).toBe(model.status === "running" ? "stopped" : "already_ended");
      if (model.status === "running") {
        model.status = "stopped";
        model.cancelQueued();
      }
      return;
    }
    case "begin":
      if (model.states[next.pick] !== "queued") return;
      await rollout.begin(next.pick);
      model.states[next.pick] = "assigned";
      return;
    case "end":
      if (model.states[next.pick] !== "assigned") return;
      await rollout.end(next.pick, { exitCode: next.exitCode });
      model.states[next.pick] = next.exitCode === 0 ? "completed" : "failed";
      return;
    case "cancel": {
      if (model.states[next.pick] !== "queued") return;
      const outcome = await store.cancel(companyId, commandIds[next.pick] ?? "");
      expect(outcome.kind).toBe("cancelled");
      model.states[next.pick] = "cancelled";
    }
  }
}

export function describeRolloutModel(open: OpenStore): void {
  describe("any course of a rollout", () => {
    const under = useStore(open);

    it("leaves its state, its counts and its commands as the rules have it", async () => {
      const course = fc.record({
        maxConcurrency: bound(4),
        maxErrors: fc.option(fc.integer({ min: 0, max: 2 })),
        steps: fc.array(step, { minLength: 30, maxLength: 60, size: "max" }),
      });
      await fc.assert(
        fc.asyncProperty(course, async ({ maxConcurrency, maxErrors, steps }) => {
          const agents = await enrolMany(under.store, targets);
          const rollout = await rollOut(under.store, agents, { maxConcurrency, maxErrors });
          const model = new Model(maxConcurrency, maxErrors);
          for (const each of steps) {
            await take(under.store, rollout, model, each);
            const { status, counts } = await rollout.now();
            expect({ status, counts }).toEqual({ status: model.status, counts: model.counts() });
          }
          const { companyId, rolloutId } = rollout;
          const found = await under.store.rolloutTargets({ companyId, rolloutId, limit: targets, cursor: null });
          expect(found.items.map((target) => target.status)).toEqual(model.states);
          const ends: (string | null)[] = ["cancelled", null, cancelledByRollout.halted, cancelledByRollout.stopped];
          for (const { status, error } of found.items) if (status === "cancelled") expect(ends).toContain(error);
        }),
        { numRuns: 30 },
      );
    });
  });
}
