import { closeSync, existsSync, openSync, renameSync } from "node:fs";
import { DatabaseSync } from "node:sqlite";
import { syncDirectoryOf } from "../identity/durable-file.ts";

const schemaVersion = 1;

const schema = `
  CREATE TABLE ledger (
    only       INTEGER PRIMARY KEY CHECK (only = 1),
    ledger_id  TEXT NOT NULL,
    seen_epoch INTEGER NOT NULL DEFAULT 0,
    highest    INTEGER NOT NULL DEFAULT 0,
    horizon    INTEGER NOT NULL DEFAULT 0
  ) STRICT;
  CREATE TABLE runs (
    run             INTEGER PRIMARY KEY,
    command_id      TEXT NOT NULL,
    attempt         INTEGER NOT NULL,
    assign_no       INTEGER NOT NULL,
    type            TEXT NOT NULL,
    state           TEXT NOT NULL CHECK (state IN ('started', 'done', 'refused')),
    refusal         TEXT,
    acknowledged    INTEGER NOT NULL DEFAULT 0,
    accepted_at     INTEGER NOT NULL,
    pid             INTEGER,
    process_started TEXT,
    result          TEXT
  ) STRICT;
  CREATE UNIQUE INDEX runs_accepted ON runs (command_id, attempt) WHERE state <> 'refused';
  CREATE UNIQUE INDEX runs_refused ON runs (assign_no) WHERE state = 'refused';
  CREATE INDEX runs_by_number ON runs (acknowledged, assign_no);
  CREATE TABLE output (
    run    INTEGER NOT NULL REFERENCES runs (run) ON DELETE CASCADE,
    byte   INTEGER NOT NULL,
    stream TEXT NOT NULL,
    data   BLOB NOT NULL,
    PRIMARY KEY (run, byte)
  ) STRICT, WITHOUT ROWID;
  PRAGMA user_version = ${schemaVersion};
`;

/**
 * `in_use`: another process has it open. `damaged`: it can't be read as a ledger. `newer`: made by a later version.
 * `unavailable`: the system refused (disk full, no right). `closed`: nobody writes it any more.
 */
export class LedgerFileError extends Error {
  readonly code: "in_use" | "damaged" | "newer" | "unavailable" | "closed";

  constructor(code: LedgerFileError["code"], message: string, options?: ErrorOptions) {
    super(message, options);
    this.name = "LedgerFileError";
    this.code = code;
  }
}

/**
 * Opens the ledger, or makes it with `newLedgerId`. The file stays locked for every other process until it is closed
 * (an exclusive lock that the kernel gives up when the process dies), and each commit is synced. A new one has mode 0600.
 *
 * @throws LedgerFileError
 */
export function openDatabase(path: string, newLedgerId: string): DatabaseSync {
  const isNew = !existsSync(path);
  let database: DatabaseSync | null = null;
  try {
    // It holds commands' output. SQLite gives its other files the mode of this one.
    if (isNew) closeSync(openSync(path, "a", 0o600));
    database = new DatabaseSync(path, { timeout: 1_000, enableForeignKeyConstraints: true });
    // In exclusive mode the lock is taken with the first write and kept.
    database.exec(
      "PRAGMA locking_mode = EXCLUSIVE; PRAGMA journal_mode = WAL; PRAGMA synchronous = FULL; BEGIN IMMEDIATE; COMMIT",
    );
    if (userVersion(database) === 0 && isEmpty(database)) {
      database.exec(`BEGIN IMMEDIATE; ${schema}`);
      database.prepare("INSERT INTO ledger (only, ledger_id) VALUES (1, ?)").run(newLedgerId);
      database.exec("COMMIT");
    }
    checkDatabase(database);
    if (isNew) syncDirectoryOf(path);
    return database;
  } catch (error) {
    database?.close();
    throw asLedgerFileError(error, path);
  }
}

function checkDatabase(database: DatabaseSync): void {
  const version = userVersion(database);
  if (version > schemaVersion) {
    throw new LedgerFileError("newer", `it has version ${version}; this agent knows ${schemaVersion}`);
  }
  const verdict = database.prepare("PRAGMA quick_check(1)").get();
  if (verdict?.["quick_check"] !== "ok") throw new LedgerFileError("damaged", String(verdict?.["quick_check"]));
  const row = database.prepare("SELECT ledger_id FROM ledger WHERE only = 1").get();
  if (typeof row?.["ledger_id"] !== "string") throw new LedgerFileError("damaged", "it has no ledger id");
}

function userVersion(database: DatabaseSync): number {
  return Number(database.prepare("PRAGMA user_version").get()?.["user_version"]);
}

function isEmpty(database: DatabaseSync): boolean {
  return database.prepare("SELECT count(*) AS tables FROM sqlite_schema").get()?.["tables"] === 0;
}

// SQLite's primary result codes.
const busy = 5;
const unreadable: ReadonlySet<number> = new Set([1 /* no such table */, 11 /* corrupt */, 26 /* not a database */]);

/** What an error of SQLite means for the ledger. */
export function asLedgerFileError(error: unknown, path: string): LedgerFileError {
  if (error instanceof LedgerFileError) return error;
  const message = `${path}: ${error instanceof Error ? error.message : String(error)}`;
  const code = sqliteCode(error);
  if (code === busy) return new LedgerFileError("in_use", message, { cause: error });
  const damaged = code !== null && unreadable.has(code);
  return new LedgerFileError(damaged ? "damaged" : "unavailable", message, { cause: error });
}

function sqliteCode(error: unknown): number | null {
  if (!(error instanceof Error) || !("errcode" in error) || typeof error.errcode !== "number") return null;
  return error.errcode & 0xff;
}

/** Moves the ledger (and its write-ahead log) away under another name. */
export function moveAside(path: string, to: string): void {
  for (const suffix of ["", "-wal", "-shm", "-journal"]) {
    if (existsSync(path + suffix)) renameSync(path + suffix, to + suffix);
  }
  syncDirectoryOf(path);
}
