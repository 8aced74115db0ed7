import * as fc from "fast-check";
import { expect, test } from "vitest";
import { InterpolationError, interpolate } from "./interpolation.ts";

test("a variable is put in, and the default where it is unset or empty", () => {
  const env = { HOST: "db", EMPTY: "" };
  expect(interpolate("pg://${HOST}:${PORT:-5432}/${EMPTY:-main}", env)).toBe("pg://db:5432/main");
  expect(interpolate("${A:-${B:-${HOST}}}", env)).toBe("db");
  expect(interpolate("[${A:-}]", env)).toBe("[]");
});

test("$${ stays a plain ${", () => {
  expect(interpolate("$${HOST} costs $5 {x}", {})).toBe("${HOST} costs $5 {x}");
});

test("an unset variable is named", () => {
  expect(() => interpolate("${DB_HOST}", {})).toThrow("the environment variable DB_HOST is not set");
});

test("references in a circle are told with the way around", () => {
  expect(() => interpolate("${A}", { A: "${B}", B: "x${A}" })).toThrow("references in a circle: A → B → A");
  expect(() => interpolate("${A:-${A:-1}}", {})).toThrow("references in a circle: A → A");
});

test.each(["${", "${A", "${A:-${B}", "${}", "${1A}", "${A:x}", "${A-x}"])("%j is refused", (text) => {
  expect(() => interpolate(text, { A: "a", B: "b" })).toThrow(InterpolationError);
});

test("references that multiply are bounded", () => {
  const env: Record<string, string> = { V0: "x".repeat(100) };
  for (let level = 1; level <= 30; level += 1) env[`V${level}`] = `\${V${level - 1}}`.repeat(10);
  expect(() => interpolate("${V30}", env)).toThrow("longer than 65536 characters");
});

test("names of Object.prototype are not variables", () => {
  expect(() => interpolate("${constructor}", {})).toThrow("not set");
});

test("text without ${ stays as it is, whatever the environment holds", () => {
  const plain = fc.string().filter((text) => !text.includes("${"));
  fc.assert(
    fc.property(plain, (text) => {
      expect(interpolate(text, { A: "a" })).toBe(text);
    }),
  );
});

test("any text gives a text or an InterpolationError", () => {
  const piece = fc.constantFrom("${", "}", "A", "B", ":-", "$", "$${", " ", "x");
  const pieces = fc.array(piece, { maxLength: 30 }).map((all) => all.join(""));
  fc.assert(
    fc.property(pieces, pieces, pieces, (text, A, B) => {
      expect(outcome(() => interpolate(text, { A, B }))).toSatisfy(
        (result) => typeof result === "string" || result instanceof InterpolationError,
      );
    }),
  );
});

function outcome(run: () => unknown): unknown {
  try {
    return run();
  } catch (error) {
    return error;
  }
}
