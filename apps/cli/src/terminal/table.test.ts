import { expect, test } from "vitest";
import { tableLines } from "./table.ts";
import { displayWidth, fitTo } from "./width.ts";

const plain = { heading: (text: string) => text };

test("columns line up by what a terminal shows, not by the length of strings", () => {
  const rows = [
    ["日本", "x"],
    ["é", "y"],
    ["👍🏽", "z"],
    ["abcde", "w"],
  ];
  const columns = [
    { title: "NAME", text: (row: string[]) => row[0] ?? "" },
    { title: "V", text: (row: string[]) => row[1] ?? "" },
  ];
  const lines = tableLines(rows, columns, { ...plain, columns: null });
  const columnOfLast = lines.map((line) => displayWidth(line) - 1);
  expect(new Set(columnOfLast)).toEqual(new Set([7]));
});

test("a hostile cell takes one line and can't colour its neighbours", () => {
  const lines = tableLines(["a\n\u001b[31mb"], [{ title: "T", text: (row) => row }], { ...plain, columns: null });
  expect(lines).toEqual(["T", "a␊␛[31mb"]);
});

test("on a terminal the last column is cut to what is left; in a pipe nothing is", () => {
  const columns = [
    { title: "ID", text: () => "id-1" },
    { title: "RUNS", text: (row: string) => row },
  ];
  const long = "x".repeat(200);
  expect(tableLines([long], columns, { ...plain, columns: 40 })[1]).toHaveLength(40);
  expect(tableLines([long], columns, { ...plain, columns: null })[1]).toContain(long);
});

test("numbers end under each other", () => {
  const lines = tableLines([5, 123], [{ title: "N", align: "right" as const, text: String }], {
    ...plain,
    columns: null,
  });
  expect(lines).toEqual(["  N", "  5", "123"]);
});

test("cutting never splits a character and never exceeds the width", () => {
  for (let columns = 1; columns < 12; columns += 1) {
    const cut = fitTo("日本👩‍💻abcé", columns);
    expect(displayWidth(cut)).toBeLessThanOrEqual(columns);
    expect(cut.isWellFormed()).toBe(true);
  }
});
