import * as fc from "fast-check";
import { describe, expect, it } from "vitest";
import { cleanJson, cleanText, strictJson } from "./text.ts";

describe("text that the database can't hold", () => {
  it("is refused in an operator's input, in values and in keys", () => {
    for (const bad of ["\0", "a\0b", "\ud800", "x\udc00", "\\\0"]) {
      expect(() => strictJson({ value: bad })).toThrow(expect.objectContaining({ code: "unstorable_text" }));
      expect(() => strictJson({ [bad]: 1 })).toThrow(expect.objectContaining({ code: "unstorable_text" }));
    }
  });

  it("is told from text that only looks like an escape", () => {
    for (const fine of ["\\u0000", "\\\\ud800", "😀", "\u0001", "u0000"]) {
      expect(JSON.parse(strictJson({ value: fine }))).toEqual({ value: fine });
      expect(JSON.parse(cleanJson({ value: fine }))).toEqual({ value: fine });
    }
  });

  it("is replaced in an agent's words, and nothing else is", () => {
    fc.assert(
      fc.property(
        fc.string({ unit: "binary" }),
        fc.string({ unit: fc.constantFrom("\0", "\\", "\ud800", "\udc00", "u", "0", "a") }),
        (a, b) => {
          for (const text of [a, b, a + b]) {
            expect(JSON.parse(cleanJson(text))).toBe(cleanText(text));
            expect(cleanText(text)).not.toMatch(/\0/);
            expect(cleanText(text).isWellFormed()).toBe(true);
          }
        },
      ),
    );
  });
});
