import { execFile } from "node:child_process";
import { randomBytes } from "node:crypto";
import { chown, mkdir, readdir, rename, rm, stat, writeFile } from "node:fs/promises";
import { dirname, join } from "node:path";
import { promisify } from "node:util";
import { EmbeddedPostgresError } from "./embedded-postgres-error.ts";
import { adviceFor } from "./start-failure.ts";
import type { OsUser } from "./os-user.ts";

const run = promisify(execFile);

/** Whether there is a cluster in `dataFolder`. */
export async function isInitialised(dataFolder: string): Promise<boolean> {
  return (await stat(join(dataFolder, "PG_VERSION")).catch(() => null)) !== null;
}

/**
 * Creates the cluster: superuser `postgres` with `adminPassword`, scram-sha-256 for every connection, UTF-8, locale C.
 * It is made beside its place and moved there when it is whole and synced, so an interrupted one is never taken for a cluster.
 * @throws EmbeddedPostgresError `start_failed` with initdb's words.
 */
export async function initialise(o: {
  native: string;
  dataFolder: string;
  user: OsUser | null;
  adminPassword: string;
}): Promise<void> {
  const parent = dirname(o.dataFolder);
  await removeDrafts(parent);
  const draft = join(parent, `${draftPrefix}${randomBytes(4).toString("hex")}`);
  await mkdir(draft, { mode: 0o700 });
  const data = join(draft, "data");
  const passwordFile = join(draft, "password");
  try {
    await writeFile(passwordFile, o.adminPassword, { mode: 0o600 });
    if (o.user !== null) {
      await chown(draft, o.user.uid, o.user.gid);
      await chown(passwordFile, o.user.uid, o.user.gid);
    }
    const as = o.user === null ? {} : { uid: o.user.uid, gid: o.user.gid };
    const auth = ["-U", "postgres", "-A", "scram-sha-256", `--pwfile=${passwordFile}`];
    await run(
      join(o.native, "bin", "initdb"),
      ["-D", data, ...auth, "--encoding=UTF8", "--locale=C", "--no-instructions"],
      { ...as, cwd: "/", env: { LC_ALL: "C", TZ: "UTC" } },
    );
    await rename(data, o.dataFolder);
  } catch (error) {
    const words = error instanceof Error && "stderr" in error ? String(error.stderr).trim() : String(error);
    throw new EmbeddedPostgresError(
      "start_failed",
      `initdb could not create the embedded PostgreSQL's data in ${o.dataFolder}:\n${words}`,
      adviceFor(words),
      { cause: error },
    );
  } finally {
    await rm(draft, { recursive: true, force: true });
  }
}

const draftPrefix = "data.new-";

/** What a process killed during `initialise` left behind. */
async function removeDrafts(parent: string): Promise<void> {
  for (const name of await readdir(parent)) {
    if (name.startsWith(draftPrefix)) await rm(join(parent, name), { recursive: true, force: true }).catch(() => {});
  }
}
