import pc from "picocolors";
import { expect, test } from "vitest";
import { createLiveLine } from "./live-line.ts";
import { ClosedPipe, type Screen } from "./terminal.ts";

/** A terminal that records; `columns` may change as a window does. */
function recorder() {
  const written: string[] = [];
  const screen = {
    isTerminal: true,
    canRedraw: true,
    columns: 80,
    colors: pc.createColors(false),
    write: async (data: string | Uint8Array) => void written.push(String(data)),
  } satisfies Screen;
  return { written, screen };
}

const settled = () => new Promise((resolve) => setImmediate(resolve));

test("a line replaces the one before; at the end nothing of it is left and the cursor is back", async () => {
  const { written, screen } = recorder();
  const line = createLiveLine(screen);
  line.draw("one");
  await settled();
  line.draw("two");
  await line.end();
  await line.end();
  expect(written).toEqual(["\r\u001b[?25lone\u001b[J", "\r\u001b[?25ltwo\u001b[J", "\r\u001b[J\u001b[?25h"]);
});

test("in a window that was narrowed, every row that the line was broken into goes", async () => {
  const { written, screen } = recorder();
  const line = createLiveLine(screen);
  line.draw(`\u001b[31m${"x".repeat(79)}\u001b[39m`);
  screen.columns = 30;
  await line.erase();
  expect(written.at(-1)).toBe("\u001b[2A\r\u001b[J");
  await line.erase();
  expect(written.at(-1)).toBe("\r\u001b[J");
  await line.end();
});

test("a terminal that takes nothing isn't given more, and one that is gone is no error", async () => {
  const { screen } = recorder();
  const taken: (() => void)[] = [];
  let writes = 0;
  const slow: Screen = {
    ...screen,
    write: () => {
      writes += 1;
      return new Promise((resolve) => taken.push(resolve));
    },
  };
  const line = createLiveLine(slow);
  for (const text of ["1", "2", "3"]) line.draw(text);
  expect(writes).toBe(1);
  taken[0]?.();
  await settled();
  line.draw("4");
  expect(writes).toBe(2);

  const gone = createLiveLine({ ...screen, write: () => Promise.reject(new ClosedPipe()) });
  gone.draw("x");
  await gone.end();
});

test("nobody listens for signals after the end", async () => {
  const { screen } = recorder();
  const signals = ["SIGTERM", "SIGHUP", "SIGTSTP"] as const;
  const listeners = () => signals.map((signal) => process.listenerCount(signal));
  const before = listeners();
  const line = createLiveLine(screen);
  expect(listeners()).toEqual(before.map((count) => count + 1));
  await line.end();
  expect(listeners()).toEqual(before);
});
