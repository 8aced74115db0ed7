import * as fc from "fast-check";
import { expect, test } from "vitest";
import { formatDuration, parseDuration } from "./duration.ts";

test("durations are written with one unit", () => {
  expect(["500ms", "30s", "5m", "24h", "7d", "0"].map(parseDuration)).toEqual([
    500, 30_000, 300_000, 86_400_000, 604_800_000, 0,
  ]);
});

test.each(["", "5", "5 s", "1.5s", "-1s", "5M", "1h30m", "1e3ms", "99999999999999d", " 5s", "5s\n"])(
  "%j is no duration",
  (text) => {
    expect(parseDuration(text)).toBeNull();
  },
);

test("every whole number of milliseconds survives being written and read", () => {
  fc.assert(
    fc.property(fc.nat({ max: Number.MAX_SAFE_INTEGER }), (ms) => {
      fc.pre(ms <= 999_999_999_999_999);
      expect(parseDuration(formatDuration(ms))).toBe(ms);
    }),
  );
});

test("any other text is null, never a wrong number", () => {
  fc.assert(
    fc.property(fc.string(), (text) => {
      const ms = parseDuration(text);
      expect(ms === null || (Number.isSafeInteger(ms) && ms >= 0)).toBe(true);
    }),
  );
});
