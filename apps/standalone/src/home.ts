import { chmodSync, mkdirSync, mkdtempSync, readFileSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { DatabaseSync } from "node:sqlite";
import { StartFailure } from "./start-failure.ts";

/** The right to be the one standalone of a home. */
export interface HomeLock {
  release(): void;
}

const sqliteBusy = 5;

/**
 * Takes a home for this process. The lock is an exclusive SQLite transaction on an empty file: a kernel lock, so that
 * it is free again when its holder dies, however it dies.
 * Throws StartFailure when another standalone holds it, or the folder can't be written.
 */
export function lockHome(home: string): HomeLock {
  const holderFile = join(home, "standalone.pid");
  let lock: DatabaseSync | undefined;
  try {
    mkdirSync(home, { recursive: true, mode: 0o711 });
    lock = new DatabaseSync(join(home, "standalone.lock"), { timeout: 0 });
    lock.exec("PRAGMA journal_mode = OFF; BEGIN EXCLUSIVE");
    writeFileSync(holderFile, `${process.pid}\n`, { mode: 0o600 });
  } catch (error) {
    lock?.close();
    if (error instanceof Error && "errcode" in error && error.errcode === sqliteBusy) throw inUse(home, holderFile);
    throw new StartFailure(
      `can't use ${home}: ${error instanceof Error ? error.message : String(error)}`,
      "choose a folder that you may write: FLEETWIRE_HOME=/another/folder npm start",
      { cause: error },
    );
  }
  const held = lock;
  return { release: () => held.close() };
}

function inUse(home: string, holderFile: string): StartFailure {
  let pid = "";
  try {
    pid = readFileSync(holderFile, "utf8").trim();
  } catch {
    // Its holder is just writing it.
  }
  return new StartFailure(
    `Fleetwire already runs in ${home}${pid ? ` (process ${pid})` : ""}`,
    "stop it, or start a second one beside it: FLEETWIRE_HOME=/another/folder COMMAND_SERVER_PORT=0 COMMAND_SERVER_GRPC_PORT=0 npm start",
  );
}

/** Makes an empty home for a demo; the caller removes it. */
export function temporaryHome(): string {
  const home = mkdtempSync(join(tmpdir(), "fleetwire-demo-"));
  // Root's database runs as another user, who has to pass through; what is secret in here has a mode of its own.
  if (process.getuid?.() === 0) chmodSync(home, 0o711);
  return home;
}
