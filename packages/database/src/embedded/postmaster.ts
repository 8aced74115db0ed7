import { execFile } from "node:child_process";
import { readFile } from "node:fs/promises";
import { join } from "node:path";
import { setTimeout as delay } from "node:timers/promises";
import { promisify } from "node:util";
import { EmbeddedPostgresError } from "./embedded-postgres-error.ts";

/** A running server, as its `postmaster.pid` tells. */
export interface Postmaster {
  pid: number;
  port: number;
  /** It takes connections (crash recovery is over). */
  ready: boolean;
}

const pollMs = 8;

/**
 * The server that runs on this data, or null. A `postmaster.pid` left by a kill -9 or a power cut is not believed: the
 * process must be a PostgreSQL started on this very folder, so another process that got the same pid is no server.
 */
export async function findPostmaster(dataFolder: string): Promise<Postmaster | null> {
  const postmaster = parsePidFile(await readFile(join(dataFolder, "postmaster.pid"), "utf8").catch(() => ""));
  if (postmaster === null) return null;
  return (await isPostmasterOf(postmaster.pid, dataFolder)) ? postmaster : null;
}

/** Asks for a fast shutdown (transactions rolled back, data flushed) and resolves when the process is gone. */
export async function stopPostmaster(postmaster: Postmaster, dataFolder: string): Promise<void> {
  const { pid } = postmaster;
  for (const [signal, deadlineMs] of [
    ["SIGINT", 30_000],
    ["SIGQUIT", 10_000],
    ["SIGKILL", 5_000],
  ] as const) {
    sendSignal(pid, signal);
    if (await isGone(pid, dataFolder, deadlineMs)) return;
  }
  throw new EmbeddedPostgresError(
    "stop_failed",
    `the embedded PostgreSQL (pid ${pid}) doesn't end`,
    "it may wait for a disk that doesn't answer: look at the machine's log.",
  );
}

async function isGone(pid: number, dataFolder: string, deadlineMs: number): Promise<boolean> {
  const giveUpAt = performance.now() + deadlineMs;
  while (await isPostmasterOf(pid, dataFolder)) {
    if (performance.now() > giveUpAt) return false;
    await delay(pollMs);
  }
  return true;
}

/**
 * Waits until the server takes connections. `gaveUp` is asked after each look, with what was seen.
 * @returns null when it gave up.
 */
export async function waitUntilReady(
  dataFolder: string,
  gaveUp: (seen: Postmaster | null) => boolean,
): Promise<Postmaster | null> {
  for (;;) {
    const postmaster = await findPostmaster(dataFolder);
    if (postmaster?.ready) return postmaster;
    if (gaveUp(postmaster)) return null;
    await delay(pollMs);
  }
}

/** The file's lines: pid, data folder, start time, port, socket folder, address, shared memory key, status. */
export function parsePidFile(text: string): Postmaster | null {
  const lines = text.split("\n");
  const pid = Number(lines[0]);
  const port = Number(lines[3]);
  if (!Number.isInteger(pid) || pid <= 0) return null;
  return { pid, port: Number.isInteger(port) ? port : 0, ready: lines[7]?.trim() === "ready" };
}

async function isPostmasterOf(pid: number, dataFolder: string): Promise<boolean> {
  if (process.platform === "linux") {
    // empty for a process that is gone or a zombie; a backend has rewritten it
    const command = await readFile(`/proc/${pid}/cmdline`, "utf8").catch(() => "");
    return command.split("\0").includes(dataFolder);
  }
  const found = await promisify(execFile)("ps", ["-ww", "-o", "command=", "-p", String(pid)]).catch(() => null);
  return found?.stdout.includes(` -D ${dataFolder} `) ?? false;
}

function sendSignal(pid: number, signal: NodeJS.Signals): void {
  try {
    process.kill(pid, signal);
  } catch (error) {
    if (!(error instanceof Error && "code" in error && error.code === "ESRCH")) throw error;
  }
}
