import * as fc from "fast-check";
import { expect, test } from "vitest";
import { isTopicPattern, matchesTopic } from "./topic.ts";

test.each([
  ["#", "a", true],
  ["#", "a.b.c", true],
  ["a.#", "a", true],
  ["a.#", "a.b.c", true],
  ["a.#", "b.a", false],
  ["*.failed", "model.failed", true],
  ["*.failed", "failed", false],
  ["*.failed", "a.b.failed", false],
  ["a.*.c", "a.b.c", true],
  ["#.c", "c", true],
  ["#.c.#", "a.b.c.d", true],
  ["a.b", "a.b", true],
  ["a.b", "a.b.c", false],
  ["*", "a", true],
  ["#.#", "a", true],
  ["*.#", "a", true],
  ["*.#.*", "a", false],
])("%s on %s: %s", (pattern, topic, expected) => {
  expect(matchesTopic(pattern, topic)).toBe(expected);
});

const words = fc.array(fc.constantFrom("a", "b", "c"), { minLength: 1, maxLength: 5 });
const patterns = fc.array(fc.constantFrom("a", "b", "c", "*", "#"), { minLength: 1, maxLength: 5 });

/** The definition, written as a regular expression. */
function asExpression(pattern: readonly string[]): RegExp {
  // Each word is followed by a dot; # is any number of such words.
  const parts = pattern.map((part) => (part === "#" ? "(?:[^.]+\\.)*" : part === "*" ? "[^.]+\\." : `${part}\\.`));
  return new RegExp(`^${parts.join("")}$`);
}

test("matches what a regular expression of the same meaning does", () => {
  fc.assert(
    fc.property(patterns, words, (pattern, topic) => {
      expect(matchesTopic(pattern.join("."), topic.join("."))).toBe(asExpression(pattern).test(`${topic.join(".")}.`));
    }),
    { numRuns: 2_000 },
  );
});

test("long patterns cost no more than length × length", () => {
  const pattern = Array.from({ length: 60 }, () => "#").join(".");
  const topic = Array.from({ length: 60 }, () => "a").join(".");
  expect(matchesTopic(`${pattern}.b`, topic)).toBe(false);
});

test.each(["", "a..b", ".a", "a.", "a b", "a.**", "a#", "x".repeat(256)])("%j is no pattern", (pattern) => {
  expect(isTopicPattern(pattern)).toBe(false);
});
