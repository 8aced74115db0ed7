import { spawn } from "node:child_process";
import { once } from "node:events";
import { setTimeout as sleep } from "node:timers/promises";
import { readConfig } from "../config.ts";
import { watchdog } from "../watchdog.ts";
import { collectOutput } from "./output.ts";
import { signalGroup } from "./signals.ts";

export interface ProcessOptions {
  /** Names it in errors. */
  name: string;
  command: string;
  args?: readonly string[];
  /** Added to PATH, HOME, TMPDIR and the like; nothing else is inherited. `undefined` takes one of those away. */
  env?: Record<string, string | undefined>;
  cwd?: string;
  /** Run as this user; only root can. */
  uid?: number;
  gid?: number;
}

export interface ExitStatus {
  code: number | null;
  signal: NodeJS.Signals | null;
}

/** A process in a process group of its own. All that is left of the group is killed when this process ends. */
export interface TestProcess {
  readonly name: string;
  readonly pid: number;
  /** The newest lines of both streams, in the order in which they arrived (at least 5,000 are kept). */
  readonly output: readonly string[];
  readonly stdout: readonly string[];
  readonly stderr: readonly string[];
  /** Resolves when it has ended and its output was read; never rejects. */
  readonly exited: Promise<ExitStatus>;
  /**
   * The first line, already written or to come, that matches.
   * @throws Error when the process ends first or the deadline passes (default 10 s): with the last lines and the exit code.
   */
  waitForLine(pattern: RegExp, deadlineMs?: number): Promise<RegExpMatchArray>;
  /** Sends a signal to the process alone. False when it had ended. */
  signal(signal: NodeJS.Signals): boolean;
  /** SIGKILL to the process alone; resolves when it has ended. */
  kill9(): Promise<ExitStatus>;
  /** SIGKILL to every process of its group; resolves when the first process has ended. */
  kill9Group(): Promise<ExitStatus>;
  /** SIGSTOP to its group: it holds its sockets and answers nothing. */
  freeze(): void;
  thaw(): void;
  /** SIGTERM, and SIGKILL to the group after the deadline (default 10 s). */
  stop(options?: { deadlineMs?: number }): Promise<ExitStatus>;
}

const defaultDeadlineMs = 10_000;
// A grandchild can hold the pipes open for as long as it lives: after the exit, output is read for this long at most.
const drainMs = 250;

/**
 * Starts a process; it may still fail to come up (see `waitForLine`).
 *
 * @throws Error when the command can't be spawned.
 */
export function startProcess(options: ProcessOptions): TestProcess {
  const child = spawn(options.command, [...(options.args ?? [])], {
    cwd: options.cwd,
    env: { ...readConfig().inheritedEnvironment, ...options.env },
    detached: true,
    stdio: ["ignore", "pipe", "pipe"],
    ...(options.uid === undefined ? {} : { uid: options.uid }),
    ...(options.gid === undefined ? {} : { gid: options.gid }),
  });
  const { pid } = child;
  if (pid === undefined) {
    child.on("error", () => {}); // said by the throw below
    throw new Error(`${options.name}: can't start ${options.command} in ${options.cwd ?? process.cwd()}`);
  }
  watchdog.guardGroup(pid);

  const output = collectOutput(child.stdout, child.stderr);
  const drained = once(child, "close");
  let status: ExitStatus | undefined;
  const exited = new Promise<ExitStatus>((resolve) => {
    child.once("exit", (code, signal) => {
      status = { code, signal };
      if (!signalGroup(pid, 0)) watchdog.forgetGroup(pid);
      void Promise.race([drained, sleep(drainMs, undefined, { ref: false })]).then(() => resolve({ code, signal }));
    });
  });

  const describe = (what: string) => {
    const state = status === undefined ? "still running" : `ended with ${status.signal ?? `code ${status.code}`}`;
    const tail = output.both.slice(-20).map((line) => `  | ${line}`);
    return new Error([`${options.name} (pid ${pid}, ${state}): ${what}`, ...tail].join("\n"));
  };

  const self: TestProcess = {
    name: options.name,
    pid,
    output: output.both,
    stdout: output.stdout,
    stderr: output.stderr,
    exited,
    waitForLine: async (pattern, deadlineMs = defaultDeadlineMs) => {
      const known = firstMatch(output.both, pattern);
      if (known) return known;
      const coming = output.nextLine(pattern);
      const found = await within(deadlineMs, Promise.race([coming.match, exited.then(() => undefined)]));
      coming.forget();
      if (found) return found;
      throw describe(`no line matched ${pattern}${status ? "" : ` within ${deadlineMs} ms`}`);
    },
    signal: (signal) => child.kill(signal),
    kill9: () => {
      child.kill("SIGKILL");
      return exited;
    },
    kill9Group: () => {
      signalGroup(pid, "SIGKILL");
      return exited;
    },
    freeze: () => void signalGroup(pid, "SIGSTOP"),
    thaw: () => void signalGroup(pid, "SIGCONT"),
    stop: async ({ deadlineMs = defaultDeadlineMs } = {}) => {
      child.kill("SIGTERM");
      self.thaw();
      await within(deadlineMs, exited);
      signalGroup(pid, "SIGKILL");
      const final = await exited;
      watchdog.forgetGroup(pid);
      return final;
    },
  };
  return self;
}

/** Undefined at the deadline. */
async function within<T>(ms: number, promise: Promise<T>): Promise<T | undefined> {
  const settled = new AbortController();
  const deadline = sleep(ms, undefined, { signal: settled.signal });
  deadline.catch(() => {}); // aborted when the promise came first
  try {
    return await Promise.race([promise, deadline]);
  } finally {
    settled.abort();
  }
}

function firstMatch(lines: readonly string[], pattern: RegExp): RegExpMatchArray | null {
  for (const line of lines) {
    const match = line.match(pattern);
    if (match) return match;
  }
  return null;
}
