/**
 * Linux: finds the processes of runs, also those that left their process group (setsid). A process belongs to a run when
 * it is in the group or session that the leader began, when it carries the run's marker in its environment, or when it
 * descends from one that does, as long as the parents in between live.
 *
 * Not found: a process that left group and session, cleared its environment (or wrote over it, as programs do that set
 * their title) and whose parent is gone; and by its environment, one of another user, unless this is root's agent.
 */
import { setImmediate as nextTurn, setTimeout as sleep } from "node:timers/promises";
import { isRunning, type ProcessRow, readEnvironment, readProcess, runningProcesses } from "./process-table.ts";
import { carriesMarker, type RunMarker } from "./run-marker.ts";

export interface TrackedRun {
  marker: RunMarker;
  /** The process that was spawned, as it was read then. */
  leader: ProcessRow;
}

export interface ProcessFinder {
  /**
   * What runs of this run now, among these pids, or all where none are given. Runs that are asked for at the same time
   * are looked for in one pass, so that many that end together cost hardly more than one.
   */
  find(run: TrackedRun, pids?: readonly number[]): Promise<ProcessRow[]>;
}

interface Wanted {
  run: TrackedRun;
  pids: readonly number[] | null;
  found: (rows: ProcessRow[]) => void;
}

// Reading one process costs some 50 µs; after so many the agent does something else in between.
const processesPerTurn = 50;
// A process in the middle of exec shows no environment: one that shows none is looked at again, so often and so far apart.
const againTimes = 3;
const againMs = 20;

export function createProcessFinder(): ProcessFinder {
  let waiting: Wanted[] = [];
  let looking = false;

  async function look(): Promise<void> {
    looking = true;
    for (let more = true; more; more = waiting.length > 0) {
      // Who asks in the same turn is looked for together.
      await nextTurn();
      const wanted = waiting;
      waiting = [];
      const pass = createPass(wanted.map(({ run }) => run));
      for (const [index, pid] of pidsOf(wanted).entries()) {
        if (index % processesPerTurn === processesPerTurn - 1) await nextTurn();
        pass.look(pid);
      }
      for (let times = 0; times < againTimes && pass.unsure().length > 0; times += 1) {
        await sleep(againMs);
        for (const pid of pass.unsure()) pass.look(pid);
      }
      const members = pass.members();
      for (const { run, found } of wanted) found(members.get(run) ?? []);
    }
    looking = false;
  }

  return {
    find(run, pids) {
      const { promise, resolve } = Promise.withResolvers<ProcessRow[]>();
      waiting.push({ run, pids: pids ?? null, found: resolve });
      if (!looking) void look();
      return promise;
    },
  };
}

/** The same at once, for an agent's process that is about to end. */
export function findNow(run: TrackedRun): ProcessRow[] {
  const pass = createPass([run]);
  for (const pid of runningProcesses()) pass.look(pid);
  return pass.members().get(run) ?? [];
}

function pidsOf(wanted: readonly Wanted[]): number[] {
  const pids = new Set<number>();
  for (const one of wanted) {
    if (one.pids === null) return runningProcesses();
    for (const pid of one.pids) pids.add(pid);
  }
  return [...pids];
}

interface Seen {
  row: ProcessRow;
  run: TrackedRun | undefined;
  /** It showed no environment at all. */
  unsure: boolean;
}

/** One look at some processes, for any number of runs. */
function createPass(runs: readonly TrackedRun[]) {
  const byLeader = new Map(runs.map((run) => [run.leader.pid, run]));
  const byCommand = Map.groupBy(runs, ({ marker }) => marker.commandId);
  const oldest = Math.min(...runs.map(({ leader }) => leader.startTicks));
  const seen = new Map<number, Seen>();

  function judge(row: ProcessRow): Seen {
    const near = byLeader.get(row.group) ?? byLeader.get(row.session);
    if (near !== undefined) return { row, run: near, unsure: false };
    const environment = readEnvironment(row.pid) ?? [];
    const commandId = environment.find((entry) => entry.startsWith(commandEntry))?.slice(commandEntry.length);
    const run = byCommand.get(commandId ?? "")?.find(({ marker }) => carriesMarker(environment, marker));
    return { row, run, unsure: environment.length === 1 && environment[0] === "" };
  }

  /** Its own run, or that of its nearest parent that has one. Ends, since pids that were reused are not followed for ever. */
  function inherited(pid: number, depth = 0): TrackedRun | undefined {
    const one = seen.get(pid);
    if (one === undefined || depth > 1_000) return undefined;
    return one.run ?? inherited(one.row.parent, depth + 1);
  }

  return {
    look(pid: number): void {
      if (pid === process.pid) return;
      const row = readProcess(pid);
      seen.delete(pid);
      // Threads of the kernel have no session; what began before the leader isn't of its run.
      if (row === null || !isRunning(row) || row.session === 0 || row.startTicks < oldest) return;
      seen.set(pid, judge(row));
    },
    /** Those that nothing could be said of. */
    unsure: (): number[] => [...seen.values()].filter(({ unsure }) => unsure).map(({ row }) => row.pid),
    members(): Map<TrackedRun, ProcessRow[]> {
      const members = new Map<TrackedRun, ProcessRow[]>();
      for (const { row } of seen.values()) {
        const run = inherited(row.pid);
        if (run === undefined || row.startTicks < run.leader.startTicks) continue;
        members.set(run, [...(members.get(run) ?? []), row]);
      }
      return members;
    },
  };
}

const commandEntry = "FLEETWIRE_COMMAND_ID=";
