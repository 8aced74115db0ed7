import { PassThrough } from "node:stream";
import { expect, test } from "vitest";
import { createOutputPrinter } from "./output-printer.ts";
import { ClosedPipe, createTerminal } from "./terminal.ts";

const environment = { url: null, token: null, home: null, noColor: false, dumbTerminal: false };

function streams(isTTY: boolean) {
  const stdout = Object.assign(new PassThrough(), { isTTY, columns: 60 });
  const stderr = Object.assign(new PassThrough(), { isTTY, columns: 60 });
  return { stdout, stderr };
}

function painted(isTTY: boolean, more: object): boolean {
  return createTerminal(streams(isTTY), { ...environment, ...more }).out.colors.red("x") !== "x";
}

test("colours appear on a terminal alone, and not with NO_COLOR or a dumb one", () => {
  expect([
    painted(true, {}),
    painted(false, {}),
    painted(true, { noColor: true }),
    painted(true, { dumbTerminal: true }),
  ]).toEqual([true, false, false, false]);
});

test("on a terminal a command's escape sequences are shown, also those that pieces cut in two", async () => {
  const { stdout, stderr } = streams(true);
  const printer = createOutputPrinter(createTerminal({ stdout, stderr }, environment), { raw: false, silent: false });
  const bytes = Buffer.from("\u001b[2Jgrün\r\n\u009b1m日");
  for (const byte of bytes) await printer.output("stdout", Buffer.from([byte]));
  await printer.output("stderr", Buffer.from([0x61, 0xc3]));
  await printer.end();
  expect(stdout.read().toString()).toBe("␛[2Jgrün\n\\u009b1m日");
  expect(stderr.read().toString()).toBe("a\ufffd");
});

test("with --raw, and in a pipe, every byte goes through as it came", async () => {
  const bytes = Buffer.from([0x1b, 0x5b, 0x32, 0x4a, 0x00, 0xff, 0xfe, 0x0d, 0x0a]);
  for (const [isTTY, raw] of [
    [true, true],
    [false, false],
  ] as const) {
    const { stdout, stderr } = streams(isTTY);
    const printer = createOutputPrinter(createTerminal({ stdout, stderr }, environment), { raw, silent: false });
    await printer.output("stdout", bytes);
    await printer.end();
    expect(stdout.read()).toEqual(bytes);
  }
});

test("a closed stdout is told to the writer; a closed stderr is no reason to end", async () => {
  const { stdout, stderr } = streams(false);
  const terminal = createTerminal({ stdout, stderr }, environment);
  stdout.destroy();
  stderr.destroy();
  await expect(terminal.out.write("x")).rejects.toBeInstanceOf(ClosedPipe);
  await expect(terminal.note("x")).resolves.toBeUndefined();
});
