import { setTimeout as delay } from "node:timers/promises";
import { DatabaseSync } from "node:sqlite";
import { EmbeddedPostgresError } from "./embedded-postgres-error.ts";

const sqliteBusy = 5;
const retryMs = 15;

/**
 * Runs `work` while holding the exclusive lock on `path` (created if missing), among all processes of this machine and
 * all callers in this one.
 *
 * The lock is an exclusive SQLite transaction on an empty file, because that is a kernel lock, which Node has no call
 * for: when its holder dies, however it dies, the kernel gives it to the next one. Nothing goes stale, so nothing
 * has to be taken over.
 *
 * @throws EmbeddedPostgresError `locked` when it wasn't free within `deadlineMs`, `no_access` when the file can't be written.
 */
export async function withFileLock<R>(path: string, deadlineMs: number, work: () => Promise<R>): Promise<R> {
  const lock = await acquire(path, deadlineMs);
  try {
    return await work();
  } finally {
    lock.close();
  }
}

async function acquire(path: string, deadlineMs: number): Promise<DatabaseSync> {
  const giveUpAt = performance.now() + deadlineMs;
  for (;;) {
    const lock = tryAcquire(path);
    if (lock !== null) return lock;
    if (performance.now() > giveUpAt) {
      throw new EmbeddedPostgresError(
        "locked",
        `another process has been starting or stopping the embedded PostgreSQL for ${deadlineMs / 1000} s and holds ${path}`,
        "see whether it hangs (`fuser` or `lsof` on that file names it), and end it.",
      );
    }
    await delay(retryMs * (0.5 + Math.random()));
  }
}

function tryAcquire(path: string): DatabaseSync | null {
  let database: DatabaseSync | undefined;
  try {
    database = new DatabaseSync(path, { timeout: 0 });
    database.exec("PRAGMA journal_mode = OFF; BEGIN EXCLUSIVE");
    return database;
  } catch (error) {
    database?.close();
    if (isBusy(error)) return null;
    throw new EmbeddedPostgresError(
      "no_access",
      `can't lock ${path}: ${error instanceof Error ? error.message : String(error)}`,
      "run as the user who owns this folder, or choose another FLEETWIRE_HOME.",
    );
  }
}

function isBusy(error: unknown): boolean {
  return error instanceof Error && "errcode" in error && error.errcode === sqliteBusy;
}
