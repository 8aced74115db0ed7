import { mkdirSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { removeTempDir, tempDir } from "@fleetwire/testbed";
import { expect, onTestFinished, test } from "vitest";
import { findPostmaster, parsePidFile } from "./postmaster.ts";

const lines = (pid: number, status: string): string =>
  [pid, "/home/data", 1_790_000_000, 5544, "", "127.0.0.1", "  123 456", status, ""].join("\n");

test("the pid file gives pid, port and whether it takes connections", () => {
  expect(parsePidFile(lines(4711, "ready   "))).toEqual({ pid: 4711, port: 5544, ready: true });
  expect(parsePidFile(lines(4711, "starting"))).toEqual({ pid: 4711, port: 5544, ready: false });
});

test("a pid file that is missing, empty or being written is no server", () => {
  expect(parsePidFile("")).toBeNull();
  expect(parsePidFile("garbage\n")).toBeNull();
  expect(parsePidFile("4711\n")).toEqual({ pid: 4711, port: 0, ready: false });
});

test("a living process that isn't a server on this data is not taken for one", async () => {
  const folder = tempDir("postmaster");
  onTestFinished(() => removeTempDir(folder));
  const data = join(folder, "data");
  mkdirSync(data);
  writeFileSync(join(data, "postmaster.pid"), lines(process.pid, "ready"));
  expect(await findPostmaster(data)).toBeNull();
});
