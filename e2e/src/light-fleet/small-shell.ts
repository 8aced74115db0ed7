import { appendFileSync } from "node:fs";

/** What a line of the small shell came to. */
export interface ShellEnd {
  exitCode: number;
  output: string;
}

interface Step {
  waitMs?: number;
  print?: string;
  append?: { text: string; file: string };
  exit?: number;
}

const unknown = 127;

/**
 * Reads the few commands that light agents understand, so that one line means the same to them and to a real agent's
 * shell: `true`, `false`, `exit N`, `sleep S`, `echo WORDS`, and the ledger's `printf '%s\n' 'ID' >> 'FILE'`, joined by `;`.
 */
export function readLine(line: string): Step[] {
  return line
    .split(";")
    .map((part) => part.trim())
    .filter((part) => part !== "")
    .map(readStep);
}

function readStep(part: string): Step {
  const [word = "", ...rest] = part.split(/\s+/);
  const effect = /^printf '%s\\n' '([^']+)' >> '([^']+)'$/.exec(part);
  if (effect) return { append: { text: `${effect[1]}\n`, file: effect[2] ?? "" } };
  if (word === "true" || word === ":") return {};
  if (word === "false") return { exit: 1 };
  if (word === "exit") return { exit: Number(rest[0] ?? 0) };
  if (word === "sleep") return { waitMs: Number(rest[0]) * 1_000 };
  if (word === "echo") return { print: `${rest.join(" ")}\n` };
  return { print: `${word}: light agents don't know this command\n`, exit: unknown };
}

/**
 * Runs the steps. Calls `done` once: at once when nothing waits. Returns what ends it early; `done` isn't called then.
 */
export function runSteps(steps: readonly Step[], done: (end: ShellEnd) => void): () => void {
  let output = "";
  let timer: NodeJS.Timeout | undefined;

  function from(first: number): void {
    for (let at = first; at < steps.length; at += 1) {
      const step = steps[at] ?? {};
      if (step.append) appendFileSync(step.append.file, step.append.text);
      output += step.print ?? "";
      if (step.exit !== undefined) return done({ exitCode: step.exit, output });
      if (step.waitMs !== undefined) {
        timer = setTimeout(() => from(at + 1), step.waitMs);
        return;
      }
    }
    done({ exitCode: 0, output });
  }

  from(0);
  return () => clearTimeout(timer);
}
