import { createHash, randomBytes } from "node:crypto";
import { chmod, mkdir, realpath } from "node:fs/promises";
import { join } from "node:path";
import { EmbeddedPostgresError } from "./embedded-postgres-error.ts";
import { canReach, type OsUser } from "./os-user.ts";

/** Where root puts what another user has to reach; it outlives reboots, as /tmp wouldn't. */
const reachableRoot = "/var/lib/fleetwire";
const clustersName = "clusters";

/** Has one folder for each cluster whose data is outside its home. May not exist. */
export const reachableClusters = join(reachableRoot, clustersName);

/** The files of one cluster that are always in the home. */
export interface ClusterFiles {
  folder: string;
  record: string;
  lock: string;
  serverLog: string;
}

/** Names them; creates nothing. */
export function clusterFiles(home: string): ClusterFiles {
  const folder = join(home, "postgres");
  return {
    folder,
    record: join(folder, "cluster.json"),
    lock: join(folder, "cluster.lock"),
    serverLog: join(folder, "server.log"),
  };
}

/** Where the data is: what the record says, else in the home. */
export function dataFolderOf(files: ClusterFiles, recorded: string | null): string {
  return recorded ?? join(files.folder, "data");
}

/** Creates the cluster's folder in the home. As root it lets others pass, but not look: PostgreSQL has to reach its data. */
export async function createClusterFolder(files: ClusterFiles): Promise<void> {
  await mkdir(files.folder, { recursive: true });
  if (process.getuid?.() === 0) await chmod(files.folder, 0o711);
}

/**
 * Where a new cluster's data goes: null for its place in the home, or a folder under `/var/lib/fleetwire` when `user`
 * can't get into the home (a checkout under root's own folder, say).
 *
 * The name has a random part beside the hash of the home, so that a home created anew where an older one was removed
 * or moved away never meets the older one's data.
 */
export async function placeData(files: ClusterFiles, user: OsUser | null): Promise<string | null> {
  const inHome = dataFolderOf(files, null);
  if (user === null || (await canReach(user, inHome))) return null;
  const hash = createHash("sha256")
    .update(await realpath(files.folder))
    .digest("hex")
    .slice(0, 12);
  const folder = join(await reachableFolder(clustersName), `${hash}-${randomBytes(4).toString("hex")}`);
  await mkdir(folder);
  await chmod(folder, 0o711);
  return join(folder, "data");
}

/**
 * A folder of this name under `reachableRoot` that everybody can pass through, whatever the umask.
 * @throws EmbeddedPostgresError `no_access`, on a read-only system for example.
 */
export async function reachableFolder(name: string): Promise<string> {
  const folder = join(reachableRoot, name);
  try {
    await mkdir(folder, { recursive: true });
    await chmod(reachableRoot, 0o755);
    await chmod(folder, 0o755);
  } catch (error) {
    throw new EmbeddedPostgresError(
      "no_access",
      `can't make ${folder}, which the user that PostgreSQL runs as could reach: ${error instanceof Error ? error.message : String(error)}`,
      "give others the right to pass (`chmod o+x`) the folders above FLEETWIRE_HOME and the checkout, or set DATABASE_URL.",
      { cause: error },
    );
  }
  return folder;
}
