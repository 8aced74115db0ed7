/**
 * Linux: the processes of one run, also those that left its process group (setsid). A process belongs to the run when
 * it is in the group or session that the leader began, when it carries the run's marker in its environment, or when it
 * descends from one that does, as long as the parents in between live.
 *
 * Not found: a process that left group and session, cleared its environment (or wrote over it, as programs do that set
 * their title) and whose parent is gone; and by its environment, one of another user, unless this is root's agent.
 */
import { setImmediate as nextTurn } from "node:timers/promises";
import {
  isRunning,
  lastPid,
  type ProcessRow,
  readEnvironment,
  readProcess,
  runningProcesses,
} from "./process-table.ts";
import { carriesMarker, type RunMarker } from "./run-marker.ts";

export interface TrackedRun {
  marker: RunMarker;
  /** The process that was spawned, as it was read then. */
  leader: ProcessRow;
}

// Reading one process costs some 20 µs; after so many the other runs of this agent get a turn.
const processesPerTurn = 100;

/** Looks at these processes alone, or at all. Those that began before the leader can't be of the run. */
export async function findRunProcesses(run: TrackedRun, pids = runningProcesses()): Promise<ProcessRow[]> {
  const seen = new Map<number, Seen>();
  for (const [index, pid] of pids.entries()) {
    if (index % processesPerTurn === processesPerTurn - 1) await nextTurn();
    look(run, pid, seen);
  }
  return membersOf(seen);
}

/** The same at once, for a process that is about to end. */
export function findRunProcessesNow(run: TrackedRun): ProcessRow[] {
  const seen = new Map<number, Seen>();
  for (const pid of runningProcesses()) look(run, pid, seen);
  return membersOf(seen);
}

interface Seen {
  row: ProcessRow;
  member: boolean;
}

function look({ leader, marker }: TrackedRun, pid: number, seen: Map<number, Seen>): void {
  if (pid === process.pid) return;
  const row = readProcess(pid);
  if (row === null || !isRunning(row) || row.startTicks < leader.startTicks) return;
  const near = row.group === leader.pid || row.session === leader.pid;
  const member = near || carriesMarker(readEnvironment(pid) ?? [], marker);
  seen.set(pid, { row, member });
}

function membersOf(seen: ReadonlyMap<number, Seen>): ProcessRow[] {
  const isMember = (pid: number, depth: number): boolean => {
    const one = seen.get(pid);
    // Children are younger than their parents, so this ends; a loop could only come from pids that were reused meanwhile.
    return one !== undefined && depth < 1_000 && (one.member || isMember(one.row.parent, depth + 1));
  };
  return [...seen.values()].filter(({ row }) => isMember(row.pid, 0)).map(({ row }) => row);
}

// Up to this age of a run the system's counter of pids hasn't gone around; beyond it every process is looked at.
const youngMs = 5_000;
const fewPids = 32;

/**
 * Where what a run has left may be found: nowhere when no process began since its leader did, which is what most short
 * commands are; for young runs among the pids since then; else anywhere.
 */
export function pidsSince(leader: ProcessRow, ageMs: number): number[] {
  const last = ageMs < youngMs ? lastPid() : null;
  if (last === null || last < leader.pid) return runningProcesses();
  if (last - leader.pid > fewPids) return runningProcesses().filter((pid) => pid > leader.pid && pid <= last);
  return Array.from({ length: last - leader.pid }, (_, n) => leader.pid + 1 + n);
}
