import * as fc from "fast-check";
import { expect, test } from "vitest";
import { reconnectDelayMs } from "./reconnect-delay.ts";

const longest = (attempts: number): number => reconnectDelayMs(attempts, 5_000, () => 0.999_999);

test("the first try follows a loss almost at once, the next after 5 s, doubling, at most a minute", () => {
  expect(longest(0)).toBeLessThanOrEqual(250);
  expect([1, 2, 3, 4, 5, 50].map((attempts) => Math.round(longest(attempts)))).toEqual([
    5_000, 10_000, 20_000, 40_000, 60_000, 60_000,
  ]);
});

test("each delay is between half of its ceiling and all of it", () => {
  fc.assert(
    fc.property(
      fc.integer({ min: 1, max: 1_000 }),
      fc.integer({ min: 1, max: 100_000 }),
      fc.double({ min: 0, max: 1, maxExcluded: true, noNaN: true }),
      (attempts, delayMs, dice) => {
        const ceiling = reconnectDelayMs(attempts, delayMs, () => 1);
        const delay = reconnectDelayMs(attempts, delayMs, () => dice);
        expect(delay).toBeGreaterThanOrEqual(ceiling / 2);
        expect(delay).toBeLessThanOrEqual(ceiling);
      },
    ),
  );
});
