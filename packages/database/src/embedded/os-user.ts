import { readFile, stat } from "node:fs/promises";
import { dirname } from "node:path";
import { EmbeddedPostgresError } from "./embedded-postgres-error.ts";

/** Whom PostgreSQL runs as; null: as ourselves. */
export interface OsUser {
  name: string;
  uid: number;
  gid: number;
}

/**
 * PostgreSQL refuses to run as root. As root it runs as the owner of the data when there is data already, else as
 * `postgres` if the machine has such a user, else as `nobody`.
 *
 * @param dataFolder may not exist yet
 * @throws EmbeddedPostgresError `no_user`, or `no_access` when the data belongs to someone whom we can't become.
 */
export async function chooseOsUser(dataFolder: string): Promise<OsUser | null> {
  const owner = await stat(dataFolder).catch(() => null);
  const self = process.getuid?.();
  if (self !== 0) {
    if (owner === null || owner.uid === self) return null;
    throw new EmbeddedPostgresError(
      "no_access",
      `the data in ${dataFolder} belongs to another user (uid ${owner.uid})`,
      "run as that user (or as root), or choose another FLEETWIRE_HOME.",
    );
  }
  if (owner !== null && owner.uid !== 0) return { name: `uid ${owner.uid}`, uid: owner.uid, gid: owner.gid };
  const users = await readUsers();
  const user = users.find((one) => one.name === "postgres") ?? users.find((one) => one.name === "nobody");
  if (user !== undefined) return user;
  throw new EmbeddedPostgresError(
    "no_user",
    "PostgreSQL can't run as root, and this machine has neither a user `postgres` nor a user `nobody`",
    "create one (`useradd --system postgres`), run as another user, or set DATABASE_URL to a server of yours.",
  );
}

/** Whether `user` may pass through every folder above `path` (by mode bits; access control lists are not looked at). */
export async function canReach(user: OsUser, path: string): Promise<boolean> {
  for (let folder = dirname(path); ; folder = dirname(folder)) {
    const { uid, gid, mode } = await stat(folder);
    const needed = uid === user.uid ? 0o100 : gid === user.gid ? 0o010 : 0o001;
    if ((mode & needed) === 0) return false;
    if (folder === dirname(folder)) return true;
  }
}

async function readUsers(): Promise<OsUser[]> {
  const lines = (await readFile("/etc/passwd", "utf8").catch(() => "")).split("\n");
  return lines.flatMap((line) => {
    const [name, , uid, gid] = line.split(":");
    if (name === undefined || uid === undefined || gid === undefined || name.startsWith("#")) return [];
    // macOS writes nobody's ids as -2
    return [{ name, uid: Number(uid) >>> 0, gid: Number(gid) >>> 0 }];
  });
}
