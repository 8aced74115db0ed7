import { describe, expect, it } from "vitest";
import { createFailureLimit } from "./failure-limit.ts";

function limitAt(time: { ms: number }, maxKeys = 100) {
  const clock = { now: () => new Date(), monotonicMs: () => time.ms };
  return createFailureLimit({ burst: 3, perSecond: 1, maxKeys, clock });
}

describe("failure limit", () => {
  it("blocks a key after its burst of failures, alone, until time has passed", () => {
    const time = { ms: 0 };
    const limit = limitAt(time);
    for (let count = 0; count < 3; count += 1) {
      expect(limit.blocked("10.0.0.1")).toBe(false);
      limit.failed("10.0.0.1");
    }
    expect(limit.blocked("10.0.0.1")).toBe(true);
    expect(limit.blocked("10.0.0.2")).toBe(false);
    time.ms = 1_000;
    expect(limit.blocked("10.0.0.1")).toBe(false);
  });

  it("remembers only so many keys", () => {
    const limit = limitAt({ ms: 0 }, 2);
    for (const key of ["a", "a", "a", "b", "c"]) limit.failed(key);
    expect(limit.blocked("a")).toBe(false);
  });
});
