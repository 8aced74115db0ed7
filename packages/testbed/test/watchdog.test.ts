import { existsSync, mkdirSync, readdirSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { expect, test } from "vitest";
import { eventually, removeTempDir, runSource, tempDir } from "../src/index.ts";
import { childrenOf, isRunning } from "../src/process/process-tree.ts";

// A machine without Valkey installs it first.
const installMs = 300_000;

async function runningOf(pids: readonly number[]): Promise<number> {
  return (await Promise.all(pids.map(isRunning))).filter(Boolean).length;
}

async function allGone(pids: readonly number[]): Promise<true> {
  const options = { deadlineMs: 10_000, what: `the end of processes ${pids.join(", ")}` };
  return eventually(async () => (await runningOf(pids)) === 0, options);
}

test.each(["SIGKILL", "SIGTERM"] as const)("folders and processes go when %s ends their owner", async (signal) => {
  const owner = runSource(new URL("owners/of-processes.ts", import.meta.url));
  const [, folder = "", ...found] = await owner.waitForLine(/^owns (.*), (\d+), (\d+)$/);
  const pids = found.map(Number);
  expect(existsSync(folder)).toBe(true);
  expect(await runningOf(pids)).toBe(2);

  owner.signal(signal);
  await owner.exited;
  expect(await allGone(pids)).toBe(true);
  const removed = await eventually(() => !existsSync(folder), { deadlineMs: 5_000, what: "the removal of its folder" });
  expect(removed).toBe(true);
});

test("a paused PostgreSQL goes with its owner", async () => {
  const owner = runSource(new URL("owners/of-paused-postgres.ts", import.meta.url));
  const postmaster = Number((await owner.waitForLine(/^paused (\d+)$/, 30_000))[1]);
  const pids = [postmaster, ...(await childrenOf(postmaster))];
  expect(pids.length).toBeGreaterThan(3);

  await owner.kill9();
  expect(await allGone(pids)).toBe(true);
});

test(
  "paused Valkeys, a Sentinel set and their folders go with their owner",
  async () => {
    const temporary = tempDir("a temporary folder");
    const env = { TMPDIR: temporary };
    const owner = runSource(new URL("owners/of-paused-valkeys.ts", import.meta.url), [], { env });
    await owner.waitForLine(/^paused$/, installMs);
    const pids = await childrenOf(owner.pid);
    // A single server, three nodes, three sentinels, the watchdog.
    expect(pids).toHaveLength(8);
    expect(readdirSync(temporary)).toHaveLength(7);

    await owner.kill9();
    expect(await allGone(pids)).toBe(true);
    expect(readdirSync(temporary)).toEqual([]);
  },
  installMs,
);

test("a removed folder is gone with what it held", () => {
  const folder = tempDir("short");
  mkdirSync(join(folder, "deep"));
  writeFileSync(join(folder, "deep/file"), "content");
  removeTempDir(folder);
  expect(existsSync(folder)).toBe(false);
});
