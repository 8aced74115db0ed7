import { describe, expect, it } from "vitest";
import { validate, version } from "uuid";
import { newId } from "./new-id.ts";

describe("a new id", () => {
  it("is a UUIDv7 of now", () => {
    const before = Date.now();
    const id = newId();
    const ms = Number.parseInt(id.replaceAll("-", "").slice(0, 12), 16);
    expect([validate(id), version(id)]).toEqual([true, 7]);
    expect(ms).toBeGreaterThanOrEqual(before);
    expect(ms).toBeLessThanOrEqual(Date.now());
  });

  it("follows the one before it, also within one millisecond", () => {
    const ids = Array.from({ length: 20_000 }, newId);
    expect(ids).toEqual([...new Set(ids)].toSorted());
  });
});
