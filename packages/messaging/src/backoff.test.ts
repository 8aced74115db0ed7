import * as fc from "fast-check";
import { expect, test } from "vitest";
import { backoffCeilingMs, backoffMs, defaultRetryPolicy } from "./backoff.ts";

const policies = fc.record({
  maxRetries: fc.nat(1_000),
  initialMs: fc.nat(100_000),
  factor: fc.double({ min: 1, max: 100, noNaN: true }),
  maxMs: fc.nat(2_592_000_000),
});

test("the ceilings of the default policy are 1, 2, 4 … 30 s", () => {
  expect([1, 2, 3, 4, 5, 6, 100].map((attempt) => backoffCeilingMs(defaultRetryPolicy, attempt))).toEqual([
    1_000, 2_000, 4_000, 8_000, 16_000, 30_000, 30_000,
  ]);
});

test("a delay is a whole number from 0 to the ceiling, whatever the policy", () => {
  fc.assert(
    fc.property(
      policies,
      fc.integer({ min: 1, max: 100_000 }),
      fc.double({ min: 0, max: 1, maxExcluded: true, noNaN: true }),
      (policy, attempt, dice) => {
        const delay = backoffMs(policy, attempt, () => dice);
        expect(Number.isSafeInteger(delay)).toBe(true);
        expect(delay).toBeGreaterThanOrEqual(0);
        expect(delay).toBeLessThanOrEqual(Math.min(policy.maxMs, backoffCeilingMs(policy, attempt)));
      },
    ),
  );
});

test("ceilings never fall, and never pass the maximum", () => {
  fc.assert(
    fc.property(policies, fc.integer({ min: 1, max: 1_000 }), (policy, attempt) => {
      const ceiling = backoffCeilingMs(policy, attempt);
      expect(backoffCeilingMs(policy, attempt + 1)).toBeGreaterThanOrEqual(ceiling);
      expect(ceiling).toBeLessThanOrEqual(policy.maxMs);
    }),
  );
});

test("both ends of the jitter are reached", () => {
  expect(backoffMs(defaultRetryPolicy, 1, () => 0)).toBe(0);
  expect(backoffMs(defaultRetryPolicy, 1, () => 0.999_999_9)).toBe(1_000);
});
