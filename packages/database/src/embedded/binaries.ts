import { execFile } from "node:child_process";
import { createHash, randomBytes } from "node:crypto";
import { chmod, cp, readdir, readFile, rename, rm, stat } from "node:fs/promises";
import { createRequire } from "node:module";
import { dirname, join } from "node:path";
import { promisify } from "node:util";
import { EmbeddedPostgresError } from "./embedded-postgres-error.ts";
import type { OsUser } from "./os-user.ts";
import { reachableFolder } from "./placement.ts";

const run = promisify(execFile);

const instead = "set DATABASE_URL to a PostgreSQL server of yours.";

/**
 * The folder with `bin/`, `lib/` and `share/` that npm installed for this machine.
 * @throws EmbeddedPostgresError `unsupported_platform`.
 */
export function installedBinaries(): string {
  const platform = `${process.platform}-${process.arch}`;
  // Windows has no signals to stop a server with, and its package runs no server as another user.
  if (process.platform === "win32") {
    throw new EmbeddedPostgresError("unsupported_platform", "the embedded PostgreSQL doesn't run on Windows", instead);
  }
  try {
    // The platform's package is a dependency of that one, not of ours.
    const require = createRequire(import.meta.url);
    const entry = createRequire(require.resolve("embedded-postgres")).resolve(`@embedded-postgres/${platform}`);
    return join(dirname(entry), "..", "native");
  } catch (error) {
    throw new EmbeddedPostgresError(
      "unsupported_platform",
      `there is no embedded PostgreSQL for ${platform} in node_modules`,
      `install again with optional dependencies if ${platform} is one of linux and darwin on x64 and arm64; else ${instead}`,
      { cause: error },
    );
  }
}

/**
 * `native`, or a copy of it under /var/lib/fleetwire when `user` can't run what is there (a checkout under a folder of
 * mode 0700, a mount with noexec). Found out by running it, which no reading of mode bits replaces.
 * @throws EmbeddedPostgresError `unsupported_platform` with the system's words when the copy doesn't run either.
 */
export async function runnableBinaries(native: string, user: OsUser | null): Promise<string> {
  const complaint = await tryRun(native, user);
  if (complaint === null) return native;
  if (user !== null) {
    const copy = await copyBinaries(native);
    const again = await tryRun(copy, user);
    if (again === null) return copy;
  }
  throw new EmbeddedPostgresError(
    "unsupported_platform",
    `the embedded PostgreSQL doesn't run on this machine: ${complaint}`,
    `its binaries need glibc (Alpine has musl) and to have been installed with their install scripts; else ${instead}`,
  );
}

async function tryRun(native: string, user: OsUser | null): Promise<string | null> {
  const as = user === null ? {} : { uid: user.uid, gid: user.gid };
  try {
    await run(join(native, "bin", "postgres"), ["--version"], { ...as, cwd: "/", env: {} });
    return null;
  } catch (error) {
    return error instanceof Error ? error.message.trim() : String(error);
  }
}

/** Copied once per build, by its content; whole or not at all, even when two processes copy at once. */
async function copyBinaries(native: string): Promise<string> {
  const server = await readFile(join(native, "bin", "postgres"));
  const key = createHash("sha256").update(server).digest("hex").slice(0, 16);
  const target = join(await reachableFolder("binaries"), key);
  if ((await stat(target).catch(() => null)) !== null) return target;
  const draft = `${target}.${randomBytes(4).toString("hex")}.tmp`;
  try {
    await cp(native, draft, { recursive: true, verbatimSymlinks: true });
    await openToAll(draft);
    await rename(draft, target);
  } catch (error) {
    await rm(draft, { recursive: true, force: true });
    if ((await stat(target).catch(() => null)) === null) throw error;
  }
  return target;
}

/** Readable and passable for everyone whatever the umask was, writable for the owner alone. */
async function openToAll(folder: string): Promise<void> {
  await chmod(folder, 0o755);
  for (const entry of await readdir(folder, { recursive: true, withFileTypes: true })) {
    const path = join(entry.parentPath, entry.name);
    if (entry.isDirectory()) await chmod(path, 0o755);
    else if (entry.isFile()) await chmod(path, (await stat(path)).mode & 0o100 ? 0o755 : 0o644);
  }
}
