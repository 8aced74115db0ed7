import { randomBytes } from "node:crypto";
import { open, readFile, rename } from "node:fs/promises";
import { EmbeddedPostgresError } from "./embedded-postgres-error.ts";

/** What is kept about a cluster in `<home>/postgres/cluster.json` (mode 0600): without it nobody can log in. */
export interface ClusterRecord {
  version: 1;
  /** Null until the first start. Later starts prefer it, so that URLs stay the same. */
  port: number | null;
  /** Of the superuser `postgres`, which only the keepers use. */
  adminPassword: string;
  /** Of the role `fleetwire`, which owns the services' databases. */
  password: string;
  /** Where the data is when it can't be in the home (see placement.ts); null: `<home>/postgres/data`. */
  dataFolder: string | null;
}

/** A record with fresh 256-bit passwords. */
export function newClusterRecord(dataFolder: string | null): ClusterRecord {
  return { version: 1, port: null, adminPassword: newPassword(), password: newPassword(), dataFolder };
}

function newPassword(): string {
  return randomBytes(32).toString("base64url");
}

/**
 * Null when there is none yet.
 * @throws EmbeddedPostgresError `damaged` or `no_access`.
 */
export async function readClusterRecord(path: string): Promise<ClusterRecord | null> {
  let text: string;
  try {
    text = await readFile(path, "utf8");
  } catch (error) {
    if (isErrno(error, "ENOENT")) return null;
    throw new EmbeddedPostgresError(
      "no_access",
      `can't read ${path}: ${error instanceof Error ? error.message : String(error)}`,
      "run as the user who created this cluster, or choose another FLEETWIRE_HOME.",
      { cause: error },
    );
  }
  const record = parseRecord(text);
  if (record === null) {
    throw new EmbeddedPostgresError(
      "damaged",
      `${path} is not a record of this version`,
      "restore it from a backup; it holds the cluster's passwords.",
    );
  }
  return record;
}

/** Written whole or not at all, and on disk when this resolves. */
export async function writeClusterRecord(path: string, record: ClusterRecord): Promise<void> {
  const draft = `${path}.${process.pid}.tmp`;
  const file = await open(draft, "w", 0o600);
  try {
    await file.writeFile(`${JSON.stringify(record, null, 2)}\n`);
    await file.sync();
  } finally {
    await file.close();
  }
  await rename(draft, path);
}

function parseRecord(text: string): ClusterRecord | null {
  let value: unknown;
  try {
    value = JSON.parse(text);
  } catch {
    return null;
  }
  if (typeof value !== "object" || value === null) return null;
  const { version, port, adminPassword, password, dataFolder }: Partial<Record<keyof ClusterRecord, unknown>> = value;
  if (version !== 1 || typeof adminPassword !== "string" || typeof password !== "string") return null;
  if (port !== null && typeof port !== "number") return null;
  if (dataFolder !== null && typeof dataFolder !== "string") return null;
  return { version, port, adminPassword, password, dataFolder };
}

function isErrno(error: unknown, code: string): boolean {
  return error instanceof Error && "code" in error && error.code === code;
}
