import { expect, test } from "vitest";
import { mergeParams } from "./params.ts";

test("key=value pairs are split at commas that a further key follows, so that a value may hold commas", () => {
  expect({ ...mergeParams("reason=test", undefined) }).toEqual({ reason: "test" });
  expect({ ...mergeParams("a=1,2,b=x=y,c=", undefined) }).toEqual({ a: "1,2", b: "x=y", c: "" });
});

test("repeated --params add up, and JSON keeps its types", () => {
  const merged = mergeParams('{"count": 3, "deep": {"on": true}}', mergeParams("reason=test", undefined));
  expect({ ...merged }).toEqual({ reason: "test", count: 3, deep: { on: true } });
});

test("__proto__ is a parameter like any other and reaches no prototype", () => {
  const merged = mergeParams('{"__proto__": {"admin": true}}', undefined);
  expect(JSON.stringify(merged)).toBe('{"__proto__":{"admin":true}}');
  expect("admin" in merged).toBe(false);
});

test.each(["reason", "=x", "", "{broken", '{"a":1'])("%j is refused with what is wrong", (text) => {
  expect(() => mergeParams(text, undefined)).toThrow(/isn't/);
});

test("the same parameter twice is refused instead of guessed", () => {
  expect(() => mergeParams("a=1,a=2", undefined)).toThrow(/twice/);
  expect(() => mergeParams("a=2", mergeParams("a=1", undefined))).toThrow(/twice/);
});
