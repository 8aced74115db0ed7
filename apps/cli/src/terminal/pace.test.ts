import { afterEach, beforeEach, expect, test, vi } from "vitest";
import { createPace } from "./pace.ts";

beforeEach(() => {
  vi.useFakeTimers();
});
afterEach(() => {
  vi.useRealTimers();
});

function paced() {
  const seen: number[] = [];
  return { seen, pace: createPace<number>(1000, (value) => seen.push(value)) };
}

test("the first comes through at once, then the latest of each interval", () => {
  const { seen, pace } = paced();
  for (const value of [1, 2, 3]) pace.offer(value);
  expect(seen).toEqual([1]);
  vi.advanceTimersByTime(999);
  expect(seen).toEqual([1]);
  vi.advanceTimersByTime(1);
  expect(seen).toEqual([1, 3]);
  pace.offer(4);
  vi.advanceTimersByTime(1000);
  expect(seen).toEqual([1, 3, 4]);
});

test("after a rest nothing is held back", () => {
  const { seen, pace } = paced();
  pace.offer(1);
  vi.advanceTimersByTime(5000);
  pace.offer(2);
  expect(seen).toEqual([1, 2]);
});

test("what waits can be forgotten", () => {
  const { seen, pace } = paced();
  pace.offer(1);
  pace.offer(2);
  pace.drop();
  vi.advanceTimersByTime(5000);
  expect(seen).toEqual([1]);
});
