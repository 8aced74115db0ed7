import { expect, test } from "vitest";
import { throwDice } from "./dice.ts";

test("the same arguments throw the same, others another", () => {
  expect(throwDice(1, "lost/q", 1)).toBe(throwDice(1, "lost/q", 1));
  const thrown = [
    throwDice(1, "lost/q", 1),
    throwDice(2, "lost/q", 1),
    throwDice(1, "after/q", 1),
    throwDice(1, "lost/q", 2),
  ];
  expect(new Set(thrown).size).toBe(4);
});

test("throws are spread evenly over [0, 1)", () => {
  const buckets = Array.from({ length: 10 }, () => 0);
  for (let n = 0; n < 10_000; n++) {
    const value = throwDice(42, "lost/q", n);
    expect(value).toBeGreaterThanOrEqual(0);
    expect(value).toBeLessThan(1);
    buckets[Math.floor(value * 10)] = (buckets[Math.floor(value * 10)] ?? 0) + 1;
  }
  for (const count of buckets) expect(Math.abs(count - 1_000)).toBeLessThan(150);
});
