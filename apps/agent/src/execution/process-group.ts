import { setTimeout as sleep } from "node:timers/promises";
import { isRunning, readProcess, runningProcesses } from "./process-table.ts";

/** How often the end of processes is looked for, ms. */
export const pollMs = 25;
/** What is killed is gone within this, or isn't ours to end, ms. */
export const killedWithinMs = 2_000;

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
    const row = readProcess(pid);
    return row !== null && row.group === leader && isRunning(row);
  });
}

function isErrno(error: unknown, code: string): boolean {
  return error instanceof Error && "code" in error && error.code === code;
}
