import * as fc from "fast-check";
import { describe, expect, test } from "vitest";
import type { JsonValue } from "./command.ts";
import { canonicalJson, countValues, findUnstorable } from "./json-text.ts";

describe("canonical JSON", () => {
  test("is the same text for objects whose keys came in another order", () => {
    expect(canonicalJson({ b: 1, a: [{ d: null, c: "x" }] })).toBe(canonicalJson({ a: [{ c: "x", d: null }], b: 1 }));
  });

  test("reads back as the value it was made from", () => {
    fc.assert(
      fc.property(fc.jsonValue({ maxDepth: 4 }), (value) => {
        const canonical = canonicalJson(value as JsonValue);
        expect(JSON.parse(canonical)).toEqual(JSON.parse(JSON.stringify(value)));
      }),
    );
  });
});

describe("what can't be stored is found", () => {
  test.each([
    ["NUL in a text", { a: ["x\0y"] }, "/a/0"],
    ["NUL in a key", { "a\0": 1 }, ""],
    ["half of a surrogate pair", { a: "\ud800" }, "/a"],
    ["a number beyond JSON's", { a: { b: Number.POSITIVE_INFINITY } }, "/a/b"],
    ["a __proto__ key", JSON.parse('{"a":{"__proto__":1}}') as unknown, "/a/__proto__"],
    ["nesting deeper than allowed", [[[[1]]]], "/0/0/0"],
  ])("%s", (_what, value, path) => {
    expect(findUnstorable(value, "", 3)?.path).toBe(path);
  });

  test("anything that JSON can carry within the depth passes", () => {
    fc.assert(
      fc.property(fc.jsonValue({ maxDepth: 5, noUnicodeString: false, stringUnit: "grapheme" }), (value) => {
        const text = JSON.stringify(value);
        fc.pre(!text.includes(String.raw`\u0000`) && !text.includes("__proto__"));
        expect(findUnstorable(value, "", 16)).toBeNull();
      }),
    );
  });

  test("nesting that would overflow the stack is refused without walking it", () => {
    let deep: unknown = 1;
    for (let level = 0; level < 100_000; level += 1) deep = [deep];
    expect(findUnstorable(deep, "", 64)?.message).toContain("deeply");
  });
});

test("every value is counted, containers included", () => {
  expect(countValues({ a: [1, 2, { b: null }], c: "x" })).toBe(7);
});
