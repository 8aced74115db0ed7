import { execFile } from "node:child_process";
import { chmodSync } from "node:fs";
import { fileURLToPath } from "node:url";
import { promisify } from "node:util";
import { runSource, startProcess, tempDir, type TestProcess } from "@fleetwire/testbed";

const mainFile = fileURLToPath(new URL("../src/main.ts", import.meta.url));
const fleetwireBin = fileURLToPath(new URL("../../../bin/fleetwire", import.meta.url));
const run = promisify(execFile);

export const readyMs = 60_000;

/** An empty home that a database of root's, which runs as another user, can be in; remove it with `removeTempDir`. */
export function testHome(): string {
  const home = tempDir("standalone home");
  chmodSync(home, 0o711);
  return home;
}

/** Starts standalone on free ports, as a process of its own. */
export function startStandalone(
  home: string | undefined,
  args: string[] = [],
  env: Record<string, string> = {},
): TestProcess {
  return runSource(mainFile, args, {
    name: "standalone",
    env: { FLEETWIRE_HOME: home, COMMAND_SERVER_PORT: "0", COMMAND_SERVER_GRPC_PORT: "0", ...env },
  });
}

/** Starts standalone and waits until its first command has come back. */
export async function startReady(home: string, env: Record<string, string> = {}): Promise<TestProcess> {
  const standalone = startStandalone(home, [], env);
  await standalone.waitForLine(/^Ready after/, readyMs);
  return standalone;
}

/** Runs `bin/fleetwire` for the installation of this home. */
export async function fleetwire(
  home: string,
  ...args: string[]
): Promise<{ code: number | null; stdout: string; stderr: string }> {
  const process = startProcess({ name: "fleetwire", command: fleetwireBin, args, env: { FLEETWIRE_HOME: home } });
  const { code } = await process.exited;
  return { code, stdout: process.stdout.join("\n"), stderr: process.stderr.join("\n") };
}

/** Command lines of processes that have `text` in theirs, this test's own `ps` aside. */
export async function processesWith(text: string): Promise<string[]> {
  const { stdout } = await run("ps", ["-eo", "args="], { maxBuffer: 16 * 1024 * 1024 });
  return stdout.split("\n").filter((line) => line.includes(text));
}
