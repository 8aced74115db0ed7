import { randomUUID } from "node:crypto";
import type pg from "pg";
import type { Database } from "./database.ts";
import type { DatabaseLog } from "./log.ts";
import { MigrationError, explainFailure } from "./migration-error.ts";
import { readMigrations, type Migration } from "./migration-files.ts";

// Table and lock are Prisma's own (schema-engine: sql_migration_persistence.rs, postgres' acquire_lock), so that
// `prisma migrate deploy` and `status` see the same history and the two never run at once.
const prismaLock = 72707369;
const createTable = `CREATE TABLE IF NOT EXISTS _prisma_migrations (
    id                      VARCHAR(36) PRIMARY KEY NOT NULL,
    checksum                VARCHAR(64) NOT NULL,
    finished_at             TIMESTAMPTZ,
    migration_name          VARCHAR(255) NOT NULL,
    logs                    TEXT,
    rolled_back_at          TIMESTAMPTZ,
    started_at              TIMESTAMPTZ NOT NULL DEFAULT now(),
    applied_steps_count     INTEGER NOT NULL DEFAULT 0
)`;

/**
 * Applies the migrations in `directory` (`<name>/migration.sql`, in the order of their names) that the database doesn't
 * have. Processes that do so at once wait for each other. A file runs in one transaction together with its record: it
 * is applied whole or not at all (so no CREATE INDEX CONCURRENTLY, no COMMIT in it).
 *
 * @returns the names applied by this call
 * @throws MigrationError when a file fails (file, line, the server's words), was changed after it was applied, or an earlier run of `prisma migrate` left one failed.
 */
export async function migrate(o: { database: Database; directory: string; log: DatabaseLog }): Promise<string[]> {
  const migrations = await readMigrations(o.directory);
  const client = await o.database.connect();
  try {
    await lock(client, o.log);
    const pending = await findPending(client, migrations, o.log);
    for (const migration of pending) {
      await apply(client, migration);
      o.log.info({ migration: migration.name }, "migration applied");
    }
    return pending.map(({ name }) => name);
  } finally {
    // The lock goes with the connection.
    await client.end().catch(() => {});
  }
}

async function lock(client: pg.Client, log: DatabaseLog): Promise<void> {
  const { rows } = await client.query<{ locked: boolean }>("SELECT pg_try_advisory_lock($1) AS locked", [prismaLock]);
  if (rows[0]?.locked === true) return;
  log.info({}, "waiting for another process that applies migrations");
  await client.query("SELECT pg_advisory_lock($1)", [prismaLock]);
}

interface Applied {
  migration_name: string;
  checksum: string;
  finished_at: Date | null;
}

async function findPending(client: pg.Client, migrations: Migration[], log: DatabaseLog): Promise<Migration[]> {
  await client.query(createTable);
  const { rows } = await client.query<Applied>(
    "SELECT migration_name, checksum, finished_at FROM _prisma_migrations WHERE rolled_back_at IS NULL",
  );
  const failed = rows.find((row) => row.finished_at === null);
  if (failed !== undefined) {
    throw new MigrationError(
      failed.migration_name,
      "began and never finished: the database may have half of it. Repair it, then say so with `prisma migrate resolve`",
    );
  }
  const applied = new Map(rows.map((row) => [row.migration_name, row.checksum]));
  const changed = migrations.find(({ name, checksum }) => applied.has(name) && applied.get(name) !== checksum);
  if (changed !== undefined) {
    throw new MigrationError(
      changed.name,
      "was changed after it was applied. Restore the file and put the change in a new migration",
    );
  }
  const known = new Set(migrations.map(({ name }) => name));
  const newer = [...applied.keys()].filter((name) => !known.has(name));
  // In a rolling upgrade the old version still runs on the new one's tables.
  if (newer.length > 0) log.warn({ migrations: newer }, "the database has migrations that this version doesn't know");
  return migrations.filter(({ name }) => !applied.has(name));
}

async function apply(client: pg.Client, { name, checksum, sql }: Migration): Promise<void> {
  const id = randomUUID();
  await client.query("BEGIN");
  try {
    await client.query("INSERT INTO _prisma_migrations (id, checksum, migration_name) VALUES ($1, $2, $3)", [
      id,
      checksum,
      name,
    ]);
    const before = await currentTransaction(client);
    await client.query(sql);
    if ((await currentTransaction(client)) !== before) {
      throw new MigrationError(name, "ends its transaction (COMMIT or ROLLBACK in the file); take that out");
    }
    const finish =
      "UPDATE _prisma_migrations SET finished_at = clock_timestamp(), applied_steps_count = 1 WHERE id = $1";
    await client.query(finish, [id]);
    await client.query("COMMIT");
  } catch (error) {
    await client.query("ROLLBACK").catch(() => {});
    throw error instanceof MigrationError ? error : explainFailure(name, sql, error);
  }
}

async function currentTransaction(client: pg.Client): Promise<string | undefined> {
  const { rows } = await client.query<{ id: string }>("SELECT pg_current_xact_id()::text AS id");
  return rows[0]?.id;
}
