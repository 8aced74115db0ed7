import { spawn } from "node:child_process";
import { open, readFile, rm, stat, truncate } from "node:fs/promises";
import { join } from "node:path";
import { setTimeout as delay } from "node:timers/promises";
import { EmbeddedPostgresError } from "./embedded-postgres-error.ts";
import type { OsUser } from "./os-user.ts";
import { findPostmaster, parsePidFile, waitUntilReady, type Postmaster } from "./postmaster.ts";
import { serverSettings } from "./server-settings.ts";
import { adviceFor, logTail } from "./start-failure.ts";

export interface Launch {
  native: string;
  dataFolder: string;
  serverLog: string;
  user: OsUser | null;
  port: number;
  /** Crash recovery included. */
  deadlineMs: number;
}

const keptLogBytes = 8 * 1024 * 1024;

/**
 * Starts the server, detached (it outlives us), and resolves when it takes connections.
 *
 * @throws EmbeddedPostgresError `start_failed` with the last lines of the server's log and what to do.
 */
export async function launchPostmaster(o: Launch): Promise<Postmaster> {
  await removeForeignPidFile(o.dataFolder);
  const giveUpAt = performance.now() + o.deadlineMs;
  for (;;) {
    const outcome = await launchOnce(o, giveUpAt);
    if (typeof outcome !== "string") return outcome;
    // Backends of a server killed with -9 take a moment to notice; until then they hold its shared memory.
    if (/pre-existing shared memory block|lock file .* already exists/.test(outcome) && performance.now() < giveUpAt) {
      await delay(50);
      continue;
    }
    throw new EmbeddedPostgresError(
      "start_failed",
      `the embedded PostgreSQL did not start. The last lines of ${o.serverLog}:\n${outcome}`,
      adviceFor(outcome),
    );
  }
}

/** The running server, or what its log says. */
async function launchOnce(o: Launch, giveUpAt: number): Promise<Postmaster | string> {
  const log = await openServerLog(o.serverLog);
  const { size: offset } = await stat(o.serverLog);
  const args = ["-D", o.dataFolder, "-p", String(o.port), ...serverSettings.flatMap((setting) => ["-c", setting])];
  const child = spawn(join(o.native, "bin", "postgres"), args, {
    ...(o.user === null ? {} : { uid: o.user.uid, gid: o.user.gid }),
    // A session of its own: Ctrl-C in our terminal doesn't reach it. No secrets of ours in its environment.
    detached: true,
    cwd: "/",
    env: { LC_ALL: "C", TZ: "UTC" },
    stdio: ["ignore", log.fd, log.fd],
  });
  let ended = false;
  let spawnError = "";
  child.once("exit", () => (ended = true));
  child.once("error", (error) => {
    ended = true;
    spawnError = error.message;
  });
  child.unref();
  try {
    const ready = await waitUntilReady(o.dataFolder, () => ended || performance.now() > giveUpAt);
    if (ready !== null) return ready;
    // A server that an interrupted predecessor had just started may have been faster.
    const other = await findPostmaster(o.dataFolder);
    if (other !== null && other.pid !== child.pid) {
      const adopted = await waitUntilReady(o.dataFolder, () => performance.now() > giveUpAt);
      if (adopted !== null) return adopted;
    }
    return [await logTail(o.serverLog, offset, 15), spawnError].filter((part) => part !== "").join("\n");
  } finally {
    await log.close();
  }
}

/** PostgreSQL handles a `postmaster.pid` of a dead process itself, but takes any living one for a server. */
async function removeForeignPidFile(dataFolder: string): Promise<void> {
  const path = join(dataFolder, "postmaster.pid");
  if (parsePidFile(await readFile(path, "utf8").catch(() => "")) === null) return;
  if ((await findPostmaster(dataFolder)) === null) await rm(path, { force: true });
}

async function openServerLog(path: string): Promise<Awaited<ReturnType<typeof open>>> {
  const log = await open(path, "a", 0o600);
  if ((await log.stat()).size > keptLogBytes) await truncate(path);
  return log;
}
