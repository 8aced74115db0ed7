import { createHash } from "node:crypto";
import { readdir, readFile } from "node:fs/promises";
import { join } from "node:path";
import { MigrationError } from "./migration-error.ts";

export interface Migration {
  name: string;
  /** SHA-256 of the file, in hex, as Prisma stores it. */
  checksum: string;
  sql: string;
}

/**
 * The migrations of a folder laid out by Prisma, in the order of their names.
 * @throws MigrationError when a folder has no migration.sql; the system's error when `directory` can't be read.
 */
export async function readMigrations(directory: string): Promise<Migration[]> {
  const entries = await readdir(directory, { withFileTypes: true });
  const names = entries.filter((entry) => entry.isDirectory()).map((entry) => entry.name);
  return Promise.all(names.toSorted().map((name) => readMigration(directory, name)));
}

async function readMigration(directory: string, name: string): Promise<Migration> {
  const path = join(directory, name, "migration.sql");
  const content = await readFile(path).catch((error: unknown) => {
    throw new MigrationError(name, `can't be read: ${path}`, { cause: error });
  });
  return { name, checksum: createHash("sha256").update(content).digest("hex"), sql: content.toString("utf8") };
}
