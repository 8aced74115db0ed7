import { readFileSync } from "node:fs";
import type { Logger } from "@fleetwire/service";
import type { HeldRun } from "../ledger/records.ts";
import { endGroup, readStat, runningProcesses } from "./process-group.ts";
import { identifyProcess } from "./process-identity.ts";

/**
 * Ends what a crashed agent left running: for each run without an end, the process group of its recorded leader, if
 * that is still the same process. On Linux also the groups of processes whose environment names the run, which finds
 * descendants of a leader that is gone, and a process whose pid wasn't recorded any more.
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
  const commandIds = new Set(interrupted.map((run) => run.commandId));
  // A command may have started this very agent.
  const own = readStat(process.pid)?.group;
  for (const pid of runningProcesses()) {
    const environment = readEnvironment(pid);
    const commandId = environment?.get("FLEETWIRE_COMMAND_ID");
    if (commandId === undefined || !commandIds.has(commandId)) continue;
    if (environment?.get("FLEETWIRE_AGENT_ID") !== agentId) continue;
    const group = readStat(pid)?.group;
    if (group !== undefined && group > 1 && group !== own) groups.set(group, commandId);
  }
}

/** Null for a process that is gone or another user's. */
function readEnvironment(pid: number): Map<string, string> | null {
  try {
    const entries = readFileSync(`/proc/${pid}/environ`, "utf8").split("\0");
    return new Map(entries.map((entry) => [entry.slice(0, entry.indexOf("=")), entry.slice(entry.indexOf("=") + 1)]));
  } catch {
    return null;
  }
}
