import { writeFileSync } from "node:fs";
import { join } from "node:path";
import { afterEach, expect, test } from "vitest";
import { eventually } from "../eventually.ts";
import { tempDir } from "../temp-dir.ts";
import { isRunning } from "./process-tree.ts";
import { type ProcessOptions, startProcess, type TestProcess } from "./process.ts";
import { runSource } from "./source.ts";

const started: TestProcess[] = [];

function shell(script: string, options: Partial<ProcessOptions> = {}): TestProcess {
  const child = startProcess({ name: "shell", command: "/bin/sh", args: ["-c", script], ...options });
  started.push(child);
  return child;
}

afterEach(async () => {
  await Promise.all(started.splice(0).map((child) => child.stop({ deadlineMs: 100 })));
});

test("keeps what it wrote, stream by stream, a last line without an end included", async () => {
  const child = shell("echo one; echo two >&2; printf three");
  expect(await child.exited).toEqual({ code: 0, signal: null });
  expect(child.stdout).toEqual(["one", "three"]);
  expect(child.stderr).toEqual(["two"]);
  expect(child.output.toSorted()).toEqual(["one", "three", "two"]);
});

test("keeps the newest lines of a process that never stops writing", async () => {
  const child = shell("yes | head -n 20000; echo end");
  await child.exited;
  expect(child.output.at(-1)).toBe("end");
  expect(child.output.length).toBeGreaterThanOrEqual(5_000);
  expect(child.output.length).toBeLessThan(6_000);
});

test("finds a line already written, and one to come", async () => {
  const child = shell("trap 'echo ready' USR1; echo listening on 4711; while :; do sleep 0.02; done");
  expect((await child.waitForLine(/listening on (\d+)/))[1]).toBe("4711");
  expect((await child.waitForLine(/listening on (\d+)/))[1]).toBe("4711");
  const ready = child.waitForLine(/^ready$/);
  child.signal("SIGUSR1");
  expect((await ready)[0]).toBe("ready");
});

test("a wait for a line ends when the process does, with its last lines and exit code", async () => {
  const child = shell("echo no settings >&2; exit 3");
  await expect(child.waitForLine(/ready/)).rejects.toThrow(/ended with code 3[^]*no line matched[^]*no settings/);
});

test("a wait for a line ends at its deadline", async () => {
  const child = shell("echo starting; sleep 60");
  await child.waitForLine(/starting/);
  await expect(child.waitForLine(/ready/, 30)).rejects.toThrow(/still running[^]*within 30 ms/);
});

async function withChild(): Promise<{ parent: TestProcess; child: number }> {
  const parent = shell("sleep 60 & echo child $!; wait");
  return { parent, child: Number((await parent.waitForLine(/child (\d+)/))[1]) };
}

test("kill9 ends the process alone", async () => {
  const { parent, child } = await withChild();
  expect(await parent.kill9()).toEqual({ code: null, signal: "SIGKILL" });
  expect(await isRunning(child)).toBe(true);
});

test("kill9Group ends its children too, and so does stop for those it left behind", async () => {
  const killed = await withChild();
  expect(await killed.parent.kill9Group()).toEqual({ code: null, signal: "SIGKILL" });
  const left = await withChild();
  await left.parent.kill9();
  await left.parent.stop();
  for (const { child } of [killed, left]) {
    const gone = await eventually(async () => !(await isRunning(child)), {
      deadlineMs: 5_000,
      what: "the child's end",
    });
    expect(gone).toBe(true);
  }
});

test("a frozen process answers nothing until it thaws", async () => {
  const child = shell("trap 'echo alive; exit' USR1; echo up; while :; do sleep 0.02; done");
  await child.waitForLine(/up/);
  child.freeze();
  child.signal("SIGUSR1");
  await expect(child.waitForLine(/alive/, 200)).rejects.toThrow(/still running/);
  child.thaw();
  await child.waitForLine(/alive/);
});

test("stop asks first, also a frozen one, and kills what doesn't listen", async () => {
  const polite = shell("trap 'echo bye; exit 0' TERM; echo up; while :; do sleep 0.02; done");
  await polite.waitForLine(/up/);
  polite.freeze();
  expect(await polite.stop()).toEqual({ code: 0, signal: null });
  expect(polite.stdout.at(-1)).toBe("bye");

  const deaf = shell("trap '' TERM; echo up; while :; do sleep 0.02; done");
  await deaf.waitForLine(/up/);
  expect(await deaf.stop({ deadlineMs: 50 })).toEqual({ code: null, signal: "SIGKILL" });
});

test("the end is told although a grandchild holds the output", async () => {
  const child = shell("sleep 60 & echo done");
  expect(await child.exited).toEqual({ code: 0, signal: null });
  expect(child.stdout).toEqual(["done"]);
});

test("only what is given and what a process needs is in its environment", async () => {
  const child = shell("env", { env: { GIVEN: "yes", HOME: undefined } });
  await child.exited;
  const names = child.stdout.map((line) => line.slice(0, line.indexOf("=")));
  expect(child.stdout).toContain("GIVEN=yes");
  expect(names).toContain("PATH");
  expect(names).not.toContain("HOME");
  expect(names).not.toContain("VITEST");
});

test("a command that can't be started is named", () => {
  expect(() => startProcess({ name: "agent", command: "/nowhere/agent" })).toThrow(
    /agent: can't start \/nowhere\/agent/,
  );
});

test("runSource runs TypeScript with arguments", async () => {
  const file = join(tempDir("source"), "entry.ts");
  writeFileSync(file, 'const words: string[] = process.argv.slice(2);\nprocess.stdout.write(words.join("+"));\n');
  const child = runSource(file, ["a", "b c"]);
  started.push(child);
  expect(await child.exited).toEqual({ code: 0, signal: null });
  expect(child.stdout).toEqual(["a+b c"]);
});
