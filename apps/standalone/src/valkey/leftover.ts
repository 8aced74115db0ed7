import { execFile } from "node:child_process";
import { readFileSync } from "node:fs";
import { readFile } from "node:fs/promises";
import { setTimeout as pause } from "node:timers/promises";
import { promisify } from "node:util";
import type { Logger } from "@fleetwire/service";
import { StartFailure } from "../start-failure.ts";
import type { ValkeyFiles, ValkeyRecord } from "./files.ts";

const run = promisify(execFile);

const graceMs = 10_000;
const pollMs = 20;

/**
 * Ends the server that an earlier standalone of this home left behind: two on the same data would destroy them. Rare,
 * for the server ends with its standalone; but the shell between them can be killed too. The caller holds the home's
 * lock. Gives the pid of the one it ended; throws StartFailure when it can't.
 */
export async function endLeftover(files: ValkeyFiles, record: ValkeyRecord, log: Logger): Promise<number | null> {
  const pid = readPid(files);
  if (pid === null || !(await isOurs(pid, files, record))) return null;
  log.warn({ pid }, "ending the Valkey that an earlier standalone left behind");
  send(pid, "SIGTERM");
  // A stopped one sees the first signal only when it goes on.
  send(pid, "SIGCONT");
  const isGone = async () => !(await isOurs(pid, files, record));
  if (await becomesTrue(isGone, graceMs)) return pid;
  send(pid, "SIGKILL");
  if (await becomesTrue(isGone, graceMs)) return pid;
  throw new StartFailure(
    `the Valkey that an earlier start left behind (process ${pid}) doesn't end`,
    `end it, then start again: kill -9 ${pid}`,
  );
}

async function becomesTrue(check: () => Promise<boolean>, withinMs: number): Promise<boolean> {
  const giveUpAt = performance.now() + withinMs;
  while (!(await check())) {
    if (performance.now() > giveUpAt) return false;
    await pause(pollMs);
  }
  return true;
}

function readPid(files: ValkeyFiles): number | null {
  try {
    const pid = Number(readFileSync(files.pid, "utf8"));
    return Number.isInteger(pid) && pid > 1 ? pid : null;
  } catch {
    return null;
  }
}

/** The pid may be another process's by now: the server calls itself by its address, or by its file where it can't. */
async function isOurs(pid: number, files: ValkeyFiles, { port }: ValkeyRecord): Promise<boolean> {
  const command = await commandLine(pid);
  return command.includes(`127.0.0.1:${port}`) || command.includes(files.configuration);
}

/** Empty when there is no such process. */
async function commandLine(pid: number): Promise<string> {
  if (process.platform === "linux") return readFile(`/proc/${pid}/cmdline`, "utf8").catch(() => "");
  const found = await run("ps", ["-ww", "-o", "args=", "-p", String(pid)]).catch(() => ({ stdout: "" }));
  return found.stdout;
}

function send(pid: number, signal: NodeJS.Signals): void {
  try {
    process.kill(pid, signal);
  } catch {
    // It has just ended.
  }
}
