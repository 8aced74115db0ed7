import { spawn } from "node:child_process";
import { once } from "node:events";
import { copyFileSync } from "node:fs";
import { join } from "node:path";
import { eventually, tempDir } from "@fleetwire/testbed";
import { expect, test } from "vitest";
import { commandOf, lastPid, readEnvironment, readProcess, stillRuns } from "./process-table.ts";
import { pidsSince } from "./end-run.ts";

/** A program whose name is made to mislead. */
async function oddlyNamed(env: NodeJS.ProcessEnv): Promise<{ pid: number; end: () => Promise<void> }> {
  const program = join(tempDir("names"), "a) S 1 (b");
  copyFileSync("/bin/sleep", program);
  const child = spawn(program, ["300"], { detached: true, stdio: "ignore", env });
  await once(child, "spawn");
  const pid = child.pid ?? 0;
  await eventually(() => commandOf(pid).includes("300"), { deadlineMs: 10_000 });
  return {
    pid,
    async end() {
      const exited = once(child, "exit");
      child.kill("SIGKILL");
      await exited;
    },
  };
}

test.runIf(process.platform === "linux")("a process is read whatever its name", async () => {
  const { pid, end } = await oddlyNamed({ NAME: "value", OTHER: "a=b" });
  const row = readProcess(pid);
  expect(row).toMatchObject({ pid, parent: process.pid, group: pid, session: pid, state: "S" });
  expect(row?.startTicks).toBeGreaterThanOrEqual(readProcess(process.pid)?.startTicks ?? Infinity);
  expect(readEnvironment(pid)).toEqual(["NAME=value", "OTHER=a=b", ""]);
  expect(commandOf(pid)).toMatch(/a\) S 1 \(b 300$/);
  await end();
  expect([readProcess(pid), readEnvironment(pid), commandOf(pid)]).toEqual([null, null, "[]"]);
});

test.runIf(process.platform === "linux")(
  "another process of the same pid isn't taken for the one that was found",
  () => {
    const own = readProcess(process.pid);
    if (own === null) throw new Error("this process can't be read");
    expect(stillRuns(own)).toBe(true);
    expect(stillRuns({ ...own, startTicks: own.startTicks - 1 })).toBe(false);
    expect(stillRuns({ pid: 2 ** 22 + 1, startTicks: 1 })).toBe(false);
  },
);

test.runIf(process.platform === "linux")(
  "where nothing began since, nothing is looked at; after a while everything is",
  () => {
    const own = readProcess(process.pid);
    const last = lastPid();
    if (own === null || last === null) throw new Error("this process can't be read");
    const few = { ...own, pid: last - 3 };
    const since = pidsSince(few, 10);
    expect(since?.slice(0, 3)).toEqual([last - 2, last - 1, last]);
    expect(pidsSince({ ...own, pid: 1 }, 10)).toContain(process.pid);
    expect(pidsSince(few, 60_000)).toBeNull();
  },
);
