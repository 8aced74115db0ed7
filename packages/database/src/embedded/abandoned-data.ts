import { readdir, readFile, rm, stat, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { dirname, join } from "node:path";
import type { DatabaseLog } from "../log.ts";
import { findPostmaster } from "./postmaster.ts";

/** Beside data that is outside its home: whose it is. Renewed at each start, so its age is the time since the last one. */
const ownerFile = "owner.json";

interface Owner {
  /** The path of the cluster's record in its home. */
  record: string;
  /** The file system that the record is on. */
  device: number;
}

const hourMs = 3_600_000;
const keptMs = { inTemporaryFolder: hourMs, elsewhere: 30 * 24 * hourMs };

/** Notes beside `dataFolder`, which is outside its home, that the cluster of this record uses it. */
export async function claimData(dataFolder: string, record: string): Promise<void> {
  const owner: Owner = { record, device: (await stat(dirname(record))).dev };
  await writeFile(join(dirname(dataFolder), ownerFile), `${JSON.stringify(owner)}\n`, { mode: 0o600 });
}

/**
 * Removes the data of homes that were deleted without `removeEmbeddedPostgres`. `clusters` is the folder that holds one
 * folder for each. Nobody can log in to such data: its passwords went with the home. Data is kept while
 *
 * - nothing says whose it is, or the record is there;
 * - the record's file system isn't mounted (what is found in its place is on another one);
 * - a server runs on it;
 * - it was used in the last 30 days, for a home that was moved says where it is now only when it is started again
 *   (a home under a temporary folder: in the last hour).
 *
 * Never rejects: what can't be looked at or removed is logged and left.
 */
export async function removeAbandonedData(clusters: string, log: DatabaseLog): Promise<void> {
  for (const name of await readdir(clusters).catch(() => [])) {
    const folder = join(clusters, name);
    try {
      const record = await abandonedRecord(folder);
      if (record === null) continue;
      await rm(folder, { recursive: true });
      log.info({ folder, record }, "removed the embedded PostgreSQL's data of a home that is gone");
    } catch (error) {
      log.warn({ err: error, folder }, "the data of a home that is gone can't be removed");
    }
  }
}

/** The path of the record that is gone, or null when the data is to be kept. */
async function abandonedRecord(folder: string): Promise<string | null> {
  const path = join(folder, ownerFile);
  const owner = parseOwner(await readFile(path, "utf8").catch(() => ""));
  if (owner === null || (await exists(owner.record))) return null;
  const unusedMs = Date.now() - (await stat(path)).mtimeMs;
  if (unusedMs < (isTemporary(owner.record) ? keptMs.inTemporaryFolder : keptMs.elsewhere)) return null;
  if ((await deviceOf(owner.record)) !== owner.device) return null;
  return (await findPostmaster(join(folder, "data"))) === null ? owner.record : null;
}

function parseOwner(text: string): Owner | null {
  try {
    const { record, device }: Partial<Record<keyof Owner, unknown>> = JSON.parse(text);
    return typeof record === "string" && typeof device === "number" ? { record, device } : null;
  } catch {
    return null;
  }
}

async function exists(path: string): Promise<boolean> {
  return stat(path).then(
    () => true,
    // Anything but "there is none" may pass.
    (error: unknown) => !(error instanceof Error && "code" in error && error.code === "ENOENT"),
  );
}

/** The file system of the nearest folder above `path` that there is. */
async function deviceOf(path: string): Promise<number> {
  const folder = dirname(path);
  return (await exists(folder)) ? (await stat(folder)).dev : deviceOf(folder);
}

function isTemporary(path: string): boolean {
  return ["/tmp", "/var/tmp", tmpdir()].some((folder) => path.startsWith(`${folder}/`));
}
