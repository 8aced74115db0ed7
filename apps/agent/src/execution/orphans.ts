import type { Logger } from "@fleetwire/service";
import type { HeldRun } from "../ledger/records.ts";
import { endGroup } from "./process-group.ts";
import { identifyProcess } from "./process-identity.ts";
import { readEnvironment, readProcess, runningProcesses } from "./process-table.ts";
import { carriesMarker } from "./run-marker.ts";

/**
 * Ends what a crashed agent left running: for each run without an end, the process group of its recorded leader, if
 * that is still the same process. On Linux also the groups of processes whose environment names the run, which finds
 * descendants of a leader that is gone, those that had left its group, and a process whose pid wasn't recorded any more.
 */
export async function sweepOrphans(options: {
  agentId: string;
  interrupted: readonly HeldRun[];
  killGraceMs: number;
  log: Logger;
}): Promise<void> {
  const { agentId, interrupted, killGraceMs, log } = options;
  if (interrupted.length === 0) return;
  const groups = new Map<number, string>();
  for (const run of interrupted) {
    const { process: recorded } = run;
    if (recorded !== null && identifyProcess(recorded.pid)?.startedAt === recorded.startedAt) {
      groups.set(recorded.pid, run.commandId);
    }
  }
  if (process.platform === "linux") findByEnvironment(agentId, interrupted, groups);
  await Promise.all(
    [...groups].map(async ([group, commandId]) => {
      const gone = await endGroup(group, killGraceMs);
      log.warn({ commandId, group, gone }, "ended what an interrupted command had left running");
    }),
  );
}

function findByEnvironment(agentId: string, interrupted: readonly HeldRun[], groups: Map<number, string>): void {
  // A command may have started this very agent.
  const own = readProcess(process.pid)?.group;
  for (const pid of runningProcesses()) {
    const environment = readEnvironment(pid) ?? [];
    const run = interrupted.find(({ commandId, attempt }) =>
      carriesMarker(environment, { agentId, commandId, attempt }),
    );
    if (run === undefined) continue;
    const group = readProcess(pid)?.group;
    if (group !== undefined && group > 1 && group !== own) groups.set(group, run.commandId);
  }
}
