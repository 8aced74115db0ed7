import { expect, test } from "vitest";
import { parseInt8, parseInt8Array } from "./int8.ts";

test("a bigint up to 2^53 is a number", () => {
  expect(parseInt8("-42")).toBe(-42);
  expect(parseInt8("9007199254740991")).toBe(Number.MAX_SAFE_INTEGER);
});

test("a bigint that a number can't hold exactly throws instead of being rounded", () => {
  expect(() => parseInt8("9007199254740993")).toThrow(RangeError);
  expect(() => parseInt8Array("{1,9223372036854775807}")).toThrow(RangeError);
});

test("arrays may hold NULLs, arrays, and bounds of their own", () => {
  expect(parseInt8Array("{}")).toEqual([]);
  expect(parseInt8Array("{1,NULL,-3}")).toEqual([1, null, -3]);
  expect(parseInt8Array("{{1,2},{3,4}}")).toEqual([
    [1, 2],
    [3, 4],
  ]);
  expect(parseInt8Array("[0:1]={5,6}")).toEqual([5, 6]);
});
