import { setTimeout as sleep } from "node:timers/promises";
import type { LeftProcess } from "../ledger/records.ts";
import { endGroup, isGroupAlive, killedWithinMs, pollMs, signalGroup } from "./process-group.ts";
import { commandOf, type ProcessRow, stillRuns } from "./process-table.ts";
import { findRunProcesses, findRunProcessesNow, pidsSince, type TrackedRun } from "./run-processes.ts";

const mostLeft = 20;
const settleMs = 100;
// What is started by what is being ended is found in the next look. A run that comes back this often after TERM gets KILL,
const patientLooks = 5;
// and one that outpaces this many looks is told as left running.
const mostLooks = 20;

export interface RunEnding {
  /** Nothing is left that could be found. */
  gone: boolean;
  /** What wouldn't go, as far as single processes are known. */
  left: LeftProcess[];
}

/** How a run is ended, and what is found of it afterwards. */
export interface RunKeeper {
  /** TERM → grace → KILL of all that is found of the run. */
  end(graceMs: number): Promise<RunEnding>;
  /** KILL of all that is found, without waiting. */
  kill(): void;
  /** After the leader's end: what runs on and is left alone. `ageMs`: since the leader was spawned. */
  left(ageMs: number): Promise<LeftProcess[]>;
}

/** Knows the process group of this leader alone: elsewhere than on Linux, or where nothing else is wanted. */
export function groupKeeper(leader: number): RunKeeper {
  return {
    end: async (graceMs) => ({ gone: await endGroup(leader, graceMs), left: [] }),
    kill: () => signalGroup(leader, "SIGKILL"),
    left: () => Promise.resolve([]),
  };
}

/** Knows every process of the run that `findRunProcesses` finds. A process is signalled only while it is the one that was found. */
export function runKeeper(run: TrackedRun): RunKeeper {
  const leader = run.leader.pid;

  async function end(graceMs: number): Promise<RunEnding> {
    const killAt = performance.now() + graceMs;
    const giveUpAt = killAt + killedWithinMs;
    let found: ProcessRow[] = [];
    const asked = new Set<number>();
    for (let looks = 0; looks < mostLooks; looks += 1) {
      found = await findRunProcesses(run);
      if (found.length === 0 && !isGroupAlive(leader)) return { gone: true, left: [] };
      const killing = performance.now() >= killAt || looks >= patientLooks;
      if (killing) signalGroup(leader, "SIGKILL");
      else if (looks === 0) askGroup(leader);
      for (const one of found) {
        if (killing) signalProcess(one, "SIGKILL");
        else if (one.group !== leader && !asked.has(one.pid)) askProcess(one);
        asked.add(one.pid);
      }
      if (performance.now() >= giveUpAt) break;
      await allGone(leader, found, killing ? giveUpAt : killAt);
    }
    const left = found.filter(stillRuns);
    return { gone: left.length === 0 && !isGroupAlive(leader), left: described(left) };
  }

  return {
    end,
    kill() {
      signalGroup(leader, "SIGKILL");
      for (const one of findRunProcessesNow(run)) signalProcess(one, "SIGKILL");
    },
    async left(ageMs) {
      const pids = pidsSince(run.leader, ageMs);
      const found = pids.length === 0 ? [] : await findRunProcesses(run, pids);
      if (found.length === 0) return [];
      // What is just ending isn't told, and what has just begun has its own name by then.
      await sleep(settleMs);
      return described(found.filter(stillRuns));
    },
  };
}

function askGroup(leader: number): void {
  signalGroup(leader, "SIGTERM");
  // A stopped process acts on TERM only when it goes on.
  signalGroup(leader, "SIGCONT");
}

function askProcess(one: ProcessRow): void {
  signalProcess(one, "SIGTERM");
  signalProcess(one, "SIGCONT");
}

/** No error for one that is gone or another user's. */
function signalProcess(one: ProcessRow, signal: NodeJS.Signals): void {
  if (!stillRuns(one)) return;
  try {
    process.kill(one.pid, signal);
  } catch {
    // It is told as left running.
  }
}

/** Resolves when the group and these are gone, or the time is over. */
async function allGone(leader: number, processes: readonly ProcessRow[], until: number): Promise<void> {
  for (;;) {
    const left = until - performance.now();
    if (left <= 0 || (!processes.some(stillRuns) && !isGroupAlive(leader))) return;
    await sleep(Math.min(pollMs, left));
  }
}

function described(processes: readonly ProcessRow[]): LeftProcess[] {
  return processes.slice(0, mostLeft).map(({ pid }) => ({ pid, command: commandOf(pid) }));
}
