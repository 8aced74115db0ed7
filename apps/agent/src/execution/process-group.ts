import { readdirSync, readFileSync } from "node:fs";
import { setTimeout as sleep } from "node:timers/promises";

const pollMs = 25;
const killedWithinMs = 2_000;

/** Sends a signal to every process of the group; no error when none is left. */
export function signalGroup(leader: number, signal: NodeJS.Signals): void {
  try {
    process.kill(-leader, signal);
  } catch (error) {
    // ESRCH: none left. EPERM: those left changed their user; nothing can be done about them.
    if (!isErrno(error, "ESRCH") && !isErrno(error, "EPERM")) throw error;
  }
}

/** TERM to the group, KILL to what is left of it after the grace. Resolves when it is gone; false when it wouldn't go. */
export async function endGroup(leader: number, graceMs: number): Promise<boolean> {
  signalGroup(leader, "SIGTERM");
  // A stopped process acts on TERM only when it goes on.
  signalGroup(leader, "SIGCONT");
  if (await isGoneWithin(leader, graceMs)) return true;
  signalGroup(leader, "SIGKILL");
  return isGoneWithin(leader, killedWithinMs);
}

async function isGoneWithin(leader: number, ms: number): Promise<boolean> {
  const deadline = performance.now() + ms;
  while (isGroupAlive(leader)) {
    if (performance.now() >= deadline) return false;
    await sleep(pollMs);
  }
  return true;
}

/** Whether a process of the group still runs; a dead one that its parent hasn't collected doesn't count. */
export function isGroupAlive(leader: number): boolean {
  try {
    process.kill(-leader, 0);
  } catch (error) {
    return !isErrno(error, "ESRCH");
  }
  return process.platform !== "linux" || groupMembers(leader).length > 0;
}

/** Linux: processes of the group that aren't dead. */
function groupMembers(leader: number): number[] {
  return runningProcesses().filter((pid) => {
    const stat = readStat(pid);
    return stat !== null && stat.group === leader && stat.state !== "Z" && stat.state !== "X";
  });
}

/** Linux: the pid of every process. */
export function runningProcesses(): number[] {
  return readdirSync("/proc")
    .filter((name) => /^\d+$/.test(name))
    .map(Number);
}

export interface ProcessStat {
  state: string;
  group: number;
  /** Clock ticks from boot to its start. */
  startTicks: string;
}

/** Linux: from /proc/PID/stat; null when there is no such process. See proc_pid_stat(5). */
export function readStat(pid: number): ProcessStat | null {
  try {
    const stat = readFileSync(`/proc/${pid}/stat`, "latin1");
    // The second field is the name in parentheses, which may have blanks and parentheses itself.
    const fields = stat.slice(stat.lastIndexOf(")") + 2).split(" ");
    return { state: fields[0] ?? "", group: Number(fields[2]), startTicks: fields[19] ?? "" };
  } catch {
    return null;
  }
}

function isErrno(error: unknown, code: string): boolean {
  return error instanceof Error && "code" in error && error.code === code;
}
