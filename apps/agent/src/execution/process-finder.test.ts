import { type ChildProcess, spawn } from "node:child_process";
import { once } from "node:events";
import { eventually } from "@fleetwire/testbed";
import { afterEach, expect, test } from "vitest";
import { createProcessFinder, findNow, type TrackedRun } from "./process-finder.ts";
import { commandOf, type ProcessRow, readProcess } from "./process-table.ts";
import { markerVariables } from "./run-marker.ts";

let children: ChildProcess[] = [];
afterEach(() => {
  for (const { pid } of children) if (pid !== undefined) process.kill(-pid, "SIGKILL");
  children = [];
});

/** A run whose leader starts one more process in its session. */
async function startRun(commandId: string, attempt = 1): Promise<TrackedRun> {
  const marker = { agentId: "a", commandId, attempt };
  const env = { PATH: process.env["PATH"], ...markerVariables(marker) };
  const child = spawn("sh", ["-c", "sleep 300 & wait"], { detached: true, stdio: "ignore", env });
  children.push(child);
  await once(child, "spawn");
  const leader = readProcess(child.pid ?? 0);
  if (leader === null) throw new Error("the leader can't be read");
  await eventually(() => findNow({ leader, marker }).some(isSleep), { deadlineMs: 15_000 });
  return { leader, marker };
}

const isSleep = ({ pid }: ProcessRow): boolean => commandOf(pid) === "sleep 300";

test.runIf(process.platform === "linux")(
  "each run has its own processes, also when many are asked for at once",
  async () => {
    const runs = await Promise.all(["one", "two", "three"].map((commandId) => startRun(commandId)));
    const finder = createProcessFinder();
    const found = await Promise.all(runs.map((run) => finder.find(run)));
    for (const [n, rows] of found.entries()) {
      expect(rows).toHaveLength(2);
      expect(rows.map(({ session }) => session)).toEqual([runs[n]?.leader.pid, runs[n]?.leader.pid]);
      expect(rows.filter(isSleep)).toHaveLength(1);
    }
  },
);

test.runIf(process.platform === "linux")(
  "a run is known by its marker alone, and not by another attempt's",
  async () => {
    const run = await startRun("marked");
    const finder = createProcessFinder();
    // As if it had left the group and session of its leader.
    const leader = { ...run.leader, pid: 1 };
    expect(await finder.find({ ...run, leader })).toHaveLength(2);
    const found = await Promise.all([
      finder.find({ leader, marker: { ...run.marker, attempt: 2 } }),
      finder.find({ leader, marker: { ...run.marker, agentId: "other" } }),
      finder.find({ leader, marker: { ...run.marker, commandId: "other" } }),
      finder.find({ ...run, leader }, [process.pid]),
      finder.find({ ...run, leader: { ...leader, startTicks: run.leader.startTicks + 1_000_000 } }),
    ]);
    expect(found.map(({ length }) => length)).toEqual([0, 0, 0, expect.any(Number), 0]);
  },
);
