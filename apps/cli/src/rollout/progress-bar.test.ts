import { stripVTControlCharacters } from "node:util";
import pc from "picocolors";
import { expect, test } from "vitest";
import type { RolloutCounts } from "../api/rollout.ts";
import { displayWidth } from "../terminal/width.ts";
import { progressBar } from "./progress-bar.ts";
import { progressText } from "./progress-text.ts";

const plain = pc.createColors(false);
const colors = pc.createColors(true);

function counts(change: Partial<RolloutCounts>): RolloutCounts {
  const none = { targets: 0, pending: 0, queued: 0, assigned: 0, completed: 0, failed: 0, timeout: 0 };
  return { ...none, cancelled: 0, expired: 0, errors: 0, ...change };
}

function barOf(of: RolloutCounts, columns: number): string {
  return progressBar({ counts: of, maxErrors: null, elapsedMs: 0 }, { columns, colors: plain });
}

const half = counts({ targets: 100, pending: 30, queued: 5, assigned: 13, completed: 48, failed: 3, timeout: 1 });
const huge = 1e15;
const odd = [
  half,
  counts({ targets: huge, completed: huge - 1, failed: huge, errors: huge, pending: huge, assigned: 1e21 }),
  counts({ targets: 0, completed: 7 }),
  counts({}),
];

test("the bar and its figures tell what has ended, what went wrong, what runs and what waits", () => {
  const line = progressBar({ counts: half, maxErrors: 5, elapsedMs: 83_000 }, { columns: 120, colors: plain });
  expect(line).toBe(
    "███████████████▒▒▒▒░░░░░░░░░░░   52%  52/100  3 failed  1 timeout  0/5 errors  13 running  35 waiting  1:23",
  );
});

test("colours change how it looks and nothing of what it says", () => {
  const progress = { counts: half, maxErrors: null, elapsedMs: 0 };
  const colored = progressBar(progress, { columns: 100, colors });
  expect(stripVTControlCharacters(colored)).toBe(progressBar(progress, { columns: 100, colors: plain }));
  expect(colored).toContain(colors.red("3 failed"));
});

test("it is never wider than the terminal, whatever the numbers", () => {
  for (const each of odd) {
    for (let columns = 1; columns <= 160; columns += 1) {
      for (const maxErrors of [null, 0, huge]) {
        const line = progressBar({ counts: each, maxErrors, elapsedMs: 1e9 }, { columns, colors });
        expect(displayWidth(stripVTControlCharacters(line))).toBeLessThanOrEqual(columns);
      }
    }
  }
});

test("where it is narrow, what went wrong stays longer than what waits", () => {
  expect(barOf(half, 80)).toMatch(/^█+▒+░+   52%  52\/100  3 failed  1 timeout  13 running  0:00$/);
  expect(barOf(half, 40)).toBe(" 52%  52/100  3 failed  1 timeout  0:00");
  expect(barOf(half, 20)).toBe("52/100  3 failed");
  expect(barOf(half, 6)).toBe("52/100");
});

test("it is full, and 100 %, only when all is done", () => {
  expect(barOf(counts({ targets: 100_000, completed: 99_999, assigned: 1 }), 100)).toMatch(/^█{24}▒   99%/);
  expect(barOf(counts({ targets: 100_000, completed: 99_999, cancelled: 1 }), 100)).toMatch(/^█{25}  100%/);
});

test("in words it is a line of the counts that aren't zero", () => {
  expect(progressText({ counts: half, maxErrors: null, elapsedMs: 3_723_000 })).toBe(
    "1:02:03  52 of 100 done, 48 completed, 3 failed, 1 timeout, 13 running, 35 waiting",
  );
  const none = counts({ targets: 3, queued: 3 });
  expect(progressText({ counts: none, maxErrors: 2, elapsedMs: 0 })).toBe("0:00  0 of 3 done, 3 waiting");
});
