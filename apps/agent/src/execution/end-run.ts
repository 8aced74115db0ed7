import { setTimeout as sleep } from "node:timers/promises";
import type { LeftProcess } from "../ledger/records.ts";
import { endGroup, killedWithinMs, pollMs, signalGroup } from "./process-group.ts";
import { findNow, type ProcessFinder, type TrackedRun } from "./process-finder.ts";
import { commandOf, lastPid, type ProcessRow, runningProcesses, stillRuns } from "./process-table.ts";

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

/** Knows every process of the run that can be found. A process is signalled only while it is the one that was found. */
export function runKeeper(run: TrackedRun, finder: ProcessFinder): RunKeeper {
  const leader = run.leader.pid;

  async function end(graceMs: number): Promise<RunEnding> {
    const killAt = performance.now() + graceMs;
    const giveUpAt = killAt + killedWithinMs;
    const asked = new Set<number>();
    // Before anyone is asked to end: parents that go take the way to their children with them.
    let found = await finder.find(run);
    for (let looks = 1; found.length > 0; looks += 1) {
      const killing = performance.now() >= killAt || looks > patientLooks;
      if (killing) signalGroup(leader, "SIGKILL");
      else if (looks === 1) askGroup(leader);
      for (const one of found) {
        if (killing) signalProcess(one, "SIGKILL");
        else if (one.group !== leader && !asked.has(one.pid)) askProcess(one);
        asked.add(one.pid);
      }
      if (looks >= mostLooks || performance.now() >= giveUpAt) break;
      await allGone(found, killing ? giveUpAt : killAt);
      found = await finder.find(run);
    }
    const left = found.filter(stillRuns);
    return { gone: left.length === 0, left: described(left) };
  }

  return {
    end,
    kill() {
      signalGroup(leader, "SIGKILL");
      for (const one of findNow(run)) signalProcess(one, "SIGKILL");
    },
    async left(ageMs) {
      const pids = pidsSince(run.leader, ageMs);
      const found = pids?.length === 0 ? [] : await finder.find(run, pids ?? undefined);
      if (found.length === 0) return [];
      // What is just ending isn't told, and what has just begun has its own name by then.
      await sleep(settleMs);
      return described(found.filter(stillRuns));
    },
  };
}

// Up to this age of a run the system's counter of pids hasn't gone around; beyond it every process is looked at.
const youngMs = 5_000;
const fewPids = 32;

/**
 * Where what a run has left may be found: nowhere when no process began since its leader did, which is what most short
 * commands are; for young runs among the pids since then; else anywhere (null).
 */
export function pidsSince(leader: Pick<ProcessRow, "pid">, ageMs: number): number[] | null {
  const last = ageMs < youngMs ? lastPid() : null;
  if (last === null || last < leader.pid) return null;
  if (last - leader.pid > fewPids) return runningProcesses().filter((pid) => pid > leader.pid && pid <= last);
  return Array.from({ length: last - leader.pid }, (_, n) => leader.pid + 1 + n);
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

/** Resolves when these are gone, or the time is over. */
async function allGone(processes: readonly ProcessRow[], until: number): Promise<void> {
  for (let left = until - performance.now(); left > 0 && processes.some(stillRuns); left = until - performance.now()) {
    await sleep(Math.min(pollMs, left));
  }
}

function described(processes: readonly ProcessRow[]): LeftProcess[] {
  return processes.slice(0, mostLeft).map(({ pid }) => ({ pid, command: commandOf(pid) }));
}
