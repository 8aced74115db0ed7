import * as fc from "fast-check";
import { expect, test } from "vitest";
import { createBackoff } from "./backoff.ts";

test("the ceiling doubles up to the cap, and a reset begins anew", () => {
  const backoff = createBackoff({ baseMs: 250, capMs: 2_000, random: () => 1 });
  expect(Array.from({ length: 6 }, () => backoff.next())).toEqual([250, 500, 1_000, 2_000, 2_000, 2_000]);
  backoff.reset();
  expect(backoff.next()).toBe(250);
});

test("every wait lies between nothing and the cap, however often it was tried", () => {
  fc.assert(
    fc.property(fc.double({ min: 0, max: 1, noNaN: true }), fc.integer({ min: 1, max: 2_000 }), (random, tries) => {
      const backoff = createBackoff({ baseMs: 250, capMs: 30_000, random: () => random });
      for (let n = 0; n < tries; n += 1) {
        const waitMs = backoff.next();
        expect(waitMs).toBeGreaterThanOrEqual(0);
        expect(waitMs).toBeLessThanOrEqual(30_000);
      }
    }),
  );
});
