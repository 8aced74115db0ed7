import { readdirSync, readFileSync } from "node:fs";

/** Linux: one process as /proc/PID/stat tells of it. */
export interface ProcessRow {
  pid: number;
  state: string;
  parent: number;
  group: number;
  session: number;
  /** Clock ticks from boot to its start: with the pid, what tells it from a later process of the same pid. */
  startTicks: number;
}

/** Null when there is no such process. See proc_pid_stat(5). */
export function readProcess(pid: number): ProcessRow | null {
  try {
    const stat = readFileSync(`/proc/${pid}/stat`, "latin1");
    // The second field is the name in parentheses, which may have blanks and parentheses itself.
    const fields = stat.slice(stat.lastIndexOf(")") + 2).split(" ");
    const [state = "", parent, group, session] = fields;
    return {
      pid,
      state,
      parent: Number(parent),
      group: Number(group),
      session: Number(session),
      startTicks: Number(fields[19]),
    };
  } catch {
    return null;
  }
}

/** A dead process that its parent hasn't collected doesn't run. */
export function isRunning({ state }: Pick<ProcessRow, "state">): boolean {
  return state !== "Z" && state !== "X";
}

/** Whether this very process still runs. */
export function stillRuns({ pid, startTicks }: Pick<ProcessRow, "pid" | "startTicks">): boolean {
  const now = readProcess(pid);
  return now !== null && now.startTicks === startTicks && isRunning(now);
}

/** The pid of every process. */
export function runningProcesses(): number[] {
  return readdirSync("/proc")
    .filter((name) => /^\d+$/.test(name))
    .map(Number);
}

/** The pid that was given out last, in the namespace of this process; null where the system doesn't say. */
export function lastPid(): number | null {
  try {
    const last = Number(readFileSync("/proc/loadavg", "latin1").trim().split(" ")[4]);
    return Number.isSafeInteger(last) && last > 0 ? last : null;
  } catch {
    return null;
  }
}

/** What it was started with, `NAME=value` each; null for a process that is gone, or whose memory isn't ours to read. */
export function readEnvironment(pid: number): string[] | null {
  try {
    return readFileSync(`/proc/${pid}/environ`, "latin1").split("\0");
  } catch {
    return null;
  }
}

const longestCommand = 200;

/** Program and arguments as it shows them, else its name in brackets; at most 200 characters. */
export function commandOf(pid: number): string {
  const line = readText(`/proc/${pid}/cmdline`).replaceAll("\0", " ").trim();
  return (line === "" ? `[${readText(`/proc/${pid}/comm`).trim()}]` : line).slice(0, longestCommand).toWellFormed();
}

function readText(path: string): string {
  try {
    return readFileSync(path, "utf8");
  } catch {
    return "";
  }
}
