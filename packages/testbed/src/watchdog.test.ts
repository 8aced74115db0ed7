import { existsSync, mkdirSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { expect, test } from "vitest";
import { eventually } from "./eventually.ts";
import { isRunning } from "./process/process-tree.ts";
import { runSource } from "./process/source.ts";
import { removeTempDir, tempDir } from "./temp-dir.ts";

const owner = `
  import { startProcess, tempDir } from "@fleetwire/testbed";
  const folder = tempDir("owned by it");
  const stubborn = startProcess({ name: "stubborn", command: "/bin/sh", args: ["-c", "trap '' TERM INT HUP; sleep 60 & echo $!; wait"] });
  const [grandchild] = await stubborn.waitForLine(/^\\\\d+$/);
  console.log(JSON.stringify({ folder, pids: [stubborn.pid, Number(grandchild)] }));
`;

test.each(["SIGKILL", "SIGTERM"] as const)(
  "folders and processes go with a test process ended by %s",
  async (signal) => {
    const child = runSource(writeOwner(), []);
    const { folder, pids } = JSON.parse((await child.waitForLine(/^\{.*\}$/))[0]) as { folder: string; pids: number[] };
    expect(existsSync(folder)).toBe(true);
    expect(await Promise.all(pids.map(isRunning))).toEqual([true, true]);

    child.signal(signal);
    await child.exited;

    await eventually(async () => (await Promise.all(pids.map(isRunning))).every((running) => !running), {
      deadlineMs: 5_000,
      what: "the end of its processes",
    });
    await eventually(() => !existsSync(folder), { deadlineMs: 5_000, what: "the removal of its folder" });
  },
);

test("a removed folder is gone with what it held", () => {
  const folder = tempDir("short");
  mkdirSync(join(folder, "deep"));
  writeFileSync(join(folder, "deep/file"), "content");
  removeTempDir(folder);
  expect(existsSync(folder)).toBe(false);
});

function writeOwner(): string {
  const file = join(tempDir("owner"), "owner.ts");
  const index = new URL("index.ts", import.meta.url).href;
  writeFileSync(file, owner.replace("@fleetwire/testbed", index).replaceAll("\\\\", "\\"));
  return file;
}
