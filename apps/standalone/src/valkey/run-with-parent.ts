import { spawn } from "node:child_process";

/** A program that ends when this process does, however that comes about. */
export interface BoundProcess {
  /** Of the shell that stands between. */
  readonly pid: number;
  /** Resolves with how it ended, as in "exit code 1". */
  readonly ended: Promise<string>;
  /** Asks it to end (SIGTERM); resolves when it is gone, which it is made after `graceMs`. */
  stop(graceMs: number): Promise<void>;
}

// The program doesn't look at its stdin as the agent does (see end-with-parent.ts): a shell does it in its place. The
// end of stdin is the end of this process, killed with -9 included.
const script = `
exec 3<&0
"$@" </dev/null 3<&- &
program=$!
(while read -r _; do :; done <&3; kill -TERM $program) &
reader=$!
exec 3<&-
wait $program
code=$?
kill $reader 2>/dev/null
exit $code
`;

export interface BoundProcessOptions {
  command: string;
  args: readonly string[];
  cwd: string;
  environment: Record<string, string | undefined>;
  /** Where its stdout and stderr go: a file descriptor. */
  output: number;
}

/** Starts a program; where it can't be started it ends at once, with the shell's words in its output. */
export function runWithParent({ command, args, cwd, environment, output }: BoundProcessOptions): BoundProcess {
  const child = spawn("/bin/sh", ["-c", script, "fleetwire-run-with-parent", command, ...args], {
    // A group of its own: Ctrl-C reaches this process alone, which then ends things in order.
    detached: true,
    stdio: ["pipe", output, output],
    env: environment,
    cwd,
  });
  const ended = new Promise<string>((resolve) => {
    child.once("error", (error) => resolve(error.message));
    child.once("exit", (code, signal) => resolve(signal ?? `exit code ${code}`));
  });
  // Its end of the pipe may close first.
  child.stdin?.on("error", () => undefined);
  const { pid } = child;
  if (pid === undefined) throw new Error("/bin/sh can't be started");

  return {
    pid,
    ended,
    async stop(graceMs) {
      child.stdin?.end();
      const late = setTimeout(() => killGroup(pid), graceMs);
      await ended;
      clearTimeout(late);
    },
  };
}

function killGroup(pid: number): void {
  try {
    process.kill(-pid, "SIGKILL");
  } catch {
    // It is gone already.
  }
}
