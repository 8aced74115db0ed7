import { afterEach, beforeEach, expect, test, vi } from "vitest";
import { createBandIntake } from "./band-intake.ts";

let now = 1_000;
const clock = { now: () => new Date(), monotonicMs: () => now };
const wake = vi.fn<() => void>();

beforeEach(() => void vi.useFakeTimers());
afterEach(() => {
  vi.useRealTimers();
  wake.mockReset();
});

const intakeOf = () => createBandIntake<string>({ count: 4, bandOf: (name) => Number(name[0]), clock, wake });

test("the most urgent first, and each eighth start a lower one in its turn", () => {
  const intake = intakeOf();
  for (let n = 0; n < 30; n++) intake.add(`0-${n}`);
  for (const band of [1, 2, 3]) for (let n = 0; n < 3; n++) intake.add(`${band}-${n}`);
  const order = Array.from({ length: 32 }, () => intake.next()?.[0]);
  expect(order.filter((_, at) => at % 8 !== 7)).toEqual(Array.from({ length: 28 }, () => "0"));
  expect([7, 15, 23, 31].map((at) => order[at])).toEqual(["1", "2", "3", "1"]);
});

test("a band that has just given one is waited for, for a moment", () => {
  const intake = intakeOf();
  intake.add("3-low");
  intake.settled(0);
  expect(intake.next()).toBeUndefined();
  vi.advanceTimersByTime(5);
  expect(wake).toHaveBeenCalledOnce();
  now += 3;
  intake.add("0-urgent");
  expect(intake.next()).toBe("0-urgent");
  expect(intake.next()).toBe("3-low");
  intake.add("3-another");
  intake.settled(0);
  now += 60;
  expect(intake.next()).toBe("3-another");
});

test("all that wait are taken out at once", () => {
  const intake = intakeOf();
  for (const name of ["2-a", "0-b", "2-c"]) intake.add(name);
  expect(intake.takeAll()).toEqual(["0-b", "2-a", "2-c"]);
  expect(intake.size).toBe(0);
});
