import { expect, test } from "vitest";
import { backoffMs } from "./backoff.ts";

test("the longest wait doubles with each failure, up to 5 s", () => {
  const longest = [1, 2, 3, 7, 100].map((attempt) => backoffMs(attempt, () => 1));
  expect(longest).toEqual([100, 200, 400, 5_000, 5_000]);
});

test("the jitter is full: any wait from 0 on can come", () => {
  expect(backoffMs(5, () => 0)).toBe(0);
  expect(backoffMs(5, () => 0.5)).toBe(backoffMs(5, () => 1) / 2);
});
