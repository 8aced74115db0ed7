import type { Readable } from "node:stream";

/** The newest lines that a process wrote. */
export interface Output {
  /** Both streams, in the order in which they arrived. */
  readonly both: readonly string[];
  readonly stdout: readonly string[];
  readonly stderr: readonly string[];
  /** The next line to come that matches; `forget` ends the wait, and then `match` never settles. */
  nextLine(pattern: RegExp): { match: Promise<RegExpMatchArray>; forget: () => void };
}

const keptLines = 5_000;
const longestLine = 64 * 1024;

/** Splits both streams into lines; keeps the newest 5,000 of each view, and of a line its first 64 Ki characters. */
export function collectOutput(stdout: Readable, stderr: Readable): Output {
  const both: string[] = [];
  const lines = { stdout: [] as string[], stderr: [] as string[] };
  const listeners = new Set<(line: string) => void>();

  const collect = (stream: Readable, own: string[]) => {
    stream.setEncoding("utf8");
    let rest = "";
    const take = (line: string) => {
      keep(both, line);
      keep(own, line);
      for (const listener of listeners) listener(line);
    };
    stream.on("data", (text: string) => {
      const parts = text.split("\n");
      const last = parts.pop() ?? "";
      for (const part of parts) {
        take((rest + part).slice(0, longestLine));
        rest = "";
      }
      rest = (rest + last).slice(0, longestLine);
    });
    stream.on("close", () => {
      if (rest !== "") take(rest);
      rest = "";
    });
  };
  collect(stdout, lines.stdout);
  collect(stderr, lines.stderr);

  return {
    both,
    ...lines,
    nextLine: (pattern) => {
      const { promise, resolve } = Promise.withResolvers<RegExpMatchArray>();
      const listener = (line: string) => {
        const match = line.match(pattern);
        if (match) resolve(match);
      };
      listeners.add(listener);
      return { match: promise, forget: () => listeners.delete(listener) };
    },
  };
}

function keep(lines: string[], line: string): void {
  lines.push(line);
  // Dropped by the thousand: shifting for each line would cost the length of the list.
  if (lines.length >= keptLines + 1_000) lines.splice(0, 1_000);
}
