import * as fc from "fast-check";
import { expect, test } from "vitest";
import { longestDelayMs } from "../outcome.ts";
import { rungsOf, waitFor } from "./rungs.ts";

const rungs = rungsOf("fleetwire");

test("rungs double from 250 ms to 32 s; the retry queue holds a minute", () => {
  expect(rungs.map(({ name, ms }) => [name, ms])).toEqual([
    ["fleetwire.retry.250ms", 250],
    ["fleetwire.retry.500ms", 500],
    ["fleetwire.retry.1s", 1_000],
    ["fleetwire.retry.2s", 2_000],
    ["fleetwire.retry.4s", 4_000],
    ["fleetwire.retry.8s", 8_000],
    ["fleetwire.retry.16s", 16_000],
    ["fleetwire.retry.32s", 32_000],
    ["fleetwire.retry", 60_000],
  ]);
});

test("nothing in a rung waits for longer than twice its delay, or 250 ms, behind another", () => {
  fc.assert(
    fc.property(fc.integer({ min: 0, max: 60_000 }), (delayMs) => {
      const { rung, expirationMs, leftMs } = waitFor(delayMs, rungs);
      expect(leftMs).toBe(0);
      expect(expirationMs).toBe(delayMs);
      // The worst: a message with the rung's whole time came just before.
      expect(rung.ms).toBeLessThanOrEqual(Math.max(2 * delayMs, 250));
    }),
  );
});

test("the turns of a long delay add up to it, each in the last rung but the rest", () => {
  fc.assert(
    fc.property(fc.integer({ min: 60_001, max: longestDelayMs / 100 }), (delayMs) => {
      let left = delayMs;
      let spent = 0;
      while (left > 0) {
        const wait = waitFor(left, rungs);
        expect(wait.leftMs === 0 || wait.rung.name === "fleetwire.retry").toBe(true);
        expect(wait.leftMs).toBeLessThan(left);
        spent += wait.expirationMs;
        left = wait.leftMs;
      }
      expect(spent).toBe(delayMs);
    }),
  );
});

test("a fraction of a millisecond is rounded up: never early", () => {
  expect(waitFor(0.2, rungs).expirationMs).toBe(1);
  expect(waitFor(250.5, rungs)).toMatchObject({ expirationMs: 251, rung: { ms: 500 } });
});
