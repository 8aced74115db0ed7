import { expect, test } from "vitest";
import { parseDuration, relativeTime, spokenDuration } from "./time.ts";

const now = new Date("2026-11-22T10:00:00.000Z");
const at = (seconds: number) => new Date(now.getTime() - seconds * 1000);

test("a time is told by its largest unit, in either direction", () => {
  expect(relativeTime(at(0.4), now)).toBe("now");
  expect(relativeTime(at(59), now)).toBe("59s ago");
  expect(relativeTime(at(3_599), now)).toBe("59m ago");
  expect(relativeTime(at(26 * 3_600), now)).toBe("1d ago");
  expect(relativeTime(at(-7_200), now)).toBe("in 2h");
  // A day, as seen a moment after it was granted.
  expect(relativeTime(at(-86_399.7), now)).toBe("in 24h");
});

test("durations are read with their unit, a bare number as seconds, and nothing else", () => {
  expect(["500ms", "30", "1.5m", "24h", "7d"].map(parseDuration)).toEqual([
    500, 30_000, 90_000, 86_400_000, 604_800_000,
  ]);
  expect(["", "5 m", "-1s", "1e3", "10y", "0x10"].map(parseDuration)).toEqual([null, null, null, null, null, null]);
});

test("durations are told in words that fit their size", () => {
  expect([3.6, 1_249, 185_000].map(spokenDuration)).toEqual(["4 ms", "1.2 s", "3 min 5 s"]);
});
