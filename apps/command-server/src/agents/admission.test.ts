import type { Clock } from "@fleetwire/service";
import * as fc from "fast-check";
import { describe, expect, it } from "vitest";
import { createAdmission, type AdmissionOptions, type Ticket } from "./admission.ts";

/** A clock that stands still until it is moved. */
function stillClock(): Clock & { pass(ms: number): void } {
  let nowMs = 1_000;
  return { now: () => new Date(nowMs), monotonicMs: () => nowMs, pass: (ms) => void (nowMs += ms) };
}

function admit(change: Partial<AdmissionOptions> = {}) {
  const clock = stillClock();
  const options = { concurrency: 2, maxWaitMs: 1_000, maxLine: 1_000, maxAwayMs: 30_000, clock, random: () => 0.5 };
  return { clock, admission: createAdmission({ ...options, ...change }) };
}

function ticket(arrived: Ticket | number): Ticket {
  if (typeof arrived === "number") throw new Error(`sent away for ${arrived} ms`);
  return arrived;
}

describe("admission", () => {
  it("works on as many as it may, and lets the next wait in order", async () => {
    const { admission } = admit();
    const order: string[] = [];
    const [first, second, third, fourth] = [1, 2, 3, 4].map(() => ticket(admission.arrive()));
    await Promise.all([first?.turn(), second?.turn()]);
    const turns = Object.entries({ third, fourth }).map(async ([name, each]) => {
      await each?.turn();
      order.push(name);
    });
    await Promise.resolve();
    expect(order).toEqual([]);
    second?.leave();
    second?.leave();
    await turns[0];
    expect(order).toEqual(["third"]);
    first?.leave();
    await Promise.all(turns);
    expect(order).toEqual(["third", "fourth"]);
  });

  it("lets nobody into the line who would wait for too long, and gives each of the others a time of its own", () => {
    // 400 a second, while nothing else is known.
    const { admission, clock } = admit();
    const arrived = Array.from({ length: 1_200 }, () => admission.arrive());
    const away = arrived.filter((each) => typeof each === "number");
    expect(away).toHaveLength(800);
    // From when half of the line is served, 2.5 ms apart.
    expect(away.slice(0, 3)).toEqual([500, 503, 505]);
    expect(away.at(-1)).toBe(500 + Math.round(799 * 2.5));
    clock.pass(1_000);
    expect(admission.arrive()).toBe(1_500);
  });

  it("never sends anybody away for longer than it may", () => {
    const { admission } = admit({ maxAwayMs: 600 });
    const away = Array.from({ length: 2_000 }, () => admission.arrive()).filter((each) => typeof each === "number");
    expect(Math.max(...away)).toBeLessThanOrEqual(600);
    expect(away.at(-1)).toBe(450);
  });

  it("comes down to the rate at which it serves while the line never runs dry", async () => {
    const { admission, clock } = admit();
    const tickets = Array.from({ length: 400 }, () => ticket(admission.arrive()));
    for (const each of tickets) void each.turn();
    // A hundred a second.
    for (const each of tickets.slice(0, 300)) {
      clock.pass(10);
      each.leave();
    }
    const left = 100;
    let more = 0;
    while (typeof admission.arrive() !== "number") more += 1;
    // In the line are as many as it serves in a second, which 3 s ago it took for 400.
    expect(left + more).toBeLessThan(220);
    expect(left + more).toBeGreaterThan(100);
  });

  it("passes over who has long been silent when the line is full, and doesn't forget them", async () => {
    const { admission, clock } = admit({ maxLine: 3 });
    const silent = [1, 2, 3].map(() => ticket(admission.arrive()));
    expect(admission.arrive()).toBeTypeOf("number");
    clock.pass(2_000);
    const next = ticket(admission.arrive());
    await next.turn();
    await silent[0]?.turn();
    expect([ticket(admission.arrive()), ticket(admission.arrive())]).toHaveLength(2);
    expect(admission.arrive()).toBeTypeOf("number");
  });

  it("doesn't take idleness for slowness", async () => {
    const { admission, clock } = admit();
    for (let n = 0; n < 20; n += 1) {
      const one = ticket(admission.arrive());
      await one.turn();
      clock.pass(1_000);
      one.leave();
    }
    let line = 0;
    while (typeof admission.arrive() !== "number") line += 1;
    expect(line).toBe(400);
  });

  it("never works on more than it may, and forgets nobody, whatever happens in which order", async () => {
    const step = fc.record({ what: fc.constantFrom("arrive", "turn", "leave"), which: fc.nat(), ms: fc.nat(50) });
    await fc.assert(
      fc.asyncProperty(fc.array(step, { maxLength: 200 }), async (steps) => {
        const { admission, clock } = admit({ concurrency: 3, maxLine: 20 });
        const tickets: { ticket: Ticket; asked: boolean; working: boolean; gone: boolean }[] = [];
        for (const { what, which, ms } of steps) {
          clock.pass(ms);
          const one = tickets[which % Math.max(1, tickets.length)];
          const arrived = what === "arrive" ? admission.arrive() : undefined;
          if (typeof arrived === "object") tickets.push({ ticket: arrived, asked: false, working: false, gone: false });
          if (what === "turn" && one && !one.asked && !one.gone) {
            one.asked = true;
            void one.ticket.turn().then(() => (one.working = !one.gone));
          }
          if (what === "leave" && one) {
            one.ticket.leave();
            Object.assign(one, { gone: true, working: false });
          }
          await new Promise((resolve) => setImmediate(resolve));
          const working = tickets.filter((each) => each.working).length;
          const asked = tickets.filter((each) => each.asked && !each.gone).length;
          expect(working).toBe(Math.min(3, asked));
        }
      }),
      { numRuns: 50 },
    );
  });
});
