import * as fc from "fast-check";
import { describe, expect, it } from "vitest";
import { RunSlots, type Run } from "./run-slots.ts";

function run(commandId: string, assignNo: number, lane: Run["lane"] = "work"): Run {
  return { agentId: "a", epoch: 1, commandId, attempt: 1, assignNo, lane, type: "SHELL" };
}

describe("RunSlots", () => {
  it("has no free slot, never a negative number, when concurrency is lowered below what runs", () => {
    const slots = new RunSlots({ work: 2, control: 1 });
    slots.occupy(run("c1", 1));
    slots.occupy(run("c2", 2));
    slots.resizeWork(1);
    expect(slots.free("work")).toBe(0);
    expect(slots.free("control")).toBe(1);
  });

  it("knows a report of another attempt or assignment from one of the run that it has", () => {
    const slots = new RunSlots({ work: 2, control: 1 });
    const first = run("c1", 1);
    slots.occupy(first);
    expect(slots.match({ commandId: "c1", attempt: 1, assignNo: 1 })).toBe(first);
    expect(slots.match({ commandId: "c1", attempt: 2, assignNo: 1 })).toBeUndefined();
    expect(slots.match({ commandId: "c1", attempt: 1, assignNo: 2 })).toBeUndefined();
  });

  it("uses as many slots as there are runs, whatever is taken, given back, repeated or replaced", () => {
    const step = fc.record({
      take: fc.boolean(),
      command: fc.integer({ min: 0, max: 5 }),
      lane: fc.constantFrom<Run["lane"]>("work", "control"),
    });
    fc.assert(
      fc.property(fc.array(step, { maxLength: 60 }), (steps) => {
        const slots = new RunSlots({ work: 100, control: 100 });
        const held = new Map<string, Run>();
        const seen: Run[] = [];
        for (const [index, { take, command, lane }] of steps.entries()) {
          const commandId = `c${command}`;
          if (take) {
            const next = run(commandId, index, lane);
            slots.occupy(next);
            held.set(commandId, next);
            seen.push(next);
          } else {
            // Any run that there ever was, also one that was replaced or given back.
            const old = seen[command];
            if (!old) continue;
            slots.release(old);
            if (held.get(old.commandId) === old) held.delete(old.commandId);
          }
          const used = (of: Run["lane"]) => [...held.values()].filter((one) => one.lane === of).length;
          expect(100 - slots.free("work")).toBe(used("work"));
          expect(100 - slots.free("control")).toBe(used("control"));
        }
      }),
    );
  });
});
