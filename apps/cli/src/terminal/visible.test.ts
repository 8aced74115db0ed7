import { expect, test } from "vitest";
import { visibleJson, visibleLine, visibleText } from "./visible.ts";

test("escape sequences become pictures that a terminal prints and never obeys", () => {
  expect(visibleLine("\u001b]0;owned\u0007\u001b[2J")).toBe("␛]0;owned␇␛[2J");
  expect(visibleLine("\u009b31m")).toBe("\\u009b31m");
});

test("a line stays one line, whatever breaks it holds", () => {
  expect(visibleLine("a\nb\r\nc\u2028d\u0085e")).toBe("a␊b␍␊c\\u2028d\\u0085e");
});

test("text keeps line feeds and tabs, and a carriage return can't overwrite what stands before it", () => {
  expect(visibleText("ok\r\ncolumn\tone\nsafe\rrm")).toBe("ok\ncolumn\tone\nsafe␍rm");
});

test("characters that reorder or hide text are shown by their code", () => {
  expect(visibleLine("file\u202etxt.exe\u200b\u2066")).toBe("file\\u202etxt.exe\\u200b\\u2066");
});

test("a lone surrogate doesn't reach the terminal", () => {
  expect(visibleLine("a\ud800b")).toBe("a\ufffdb");
});

test("letters of any script, emoji and combining marks are left alone", () => {
  const text = "naïve Ελληνικά 日本語 👩‍💻 é";
  expect(visibleLine(text)).toBe(text);
});

test("JSON on a terminal has no raw control and reads back to the same value", () => {
  const value = { output: "\u001b[31m\u007f\u009b\u202e\n", list: ["\u2028"] };
  for (const json of [visibleJson(value), visibleJson(value, 2)]) {
    // oxlint-disable-next-line no-control-regex -- what must not be there
    expect(json).not.toMatch(/[\u0000-\u0009\u000b-\u001f\u007f-\u009f\u202e\u2028]/);
    expect(JSON.parse(json)).toEqual(value);
  }
});
