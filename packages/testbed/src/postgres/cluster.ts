import { execFile } from "node:child_process";
import { createHash, randomBytes } from "node:crypto";
import { chmod, chown, lstat, mkdir, readFile, rename, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { promisify } from "node:util";
import type { Binaries, RunAs } from "./binaries.ts";

const run = promisify(execFile);

/** A data folder that no server has used yet. */
export interface Cluster {
  data: string;
  /** Of the superuser `postgres`. */
  password: string;
}

const initdbArgs = ["-U", "postgres", "--auth=scram-sha-256", "--encoding=UTF8", "--locale=C", "--no-sync"];

/**
 * Makes a fresh cluster in `folder`. `initdb` takes ten times as long as a copy: its result is kept in the system's
 * temporary folder, and later clusters of the same user and version (with the same password) are copies of it.
 */
export async function createCluster(binaries: Binaries, runAs: RunAs, folder: string): Promise<Cluster> {
  const template = templatePath(binaries, runAs);
  const cluster = { data: join(folder, "data"), passwordFile: join(folder, "password") };
  if (await isOurs(template)) {
    await run("tar", ["--numeric-owner", "-xpf", template, "-C", folder]);
  } else {
    await initialise(binaries, runAs, cluster);
    await keep(template, folder);
  }
  return { data: cluster.data, password: (await readFile(cluster.passwordFile, "utf8")).trim() };
}

async function initialise(
  binaries: Binaries,
  runAs: RunAs,
  { data, passwordFile }: { data: string; passwordFile: string },
): Promise<void> {
  await mkdir(data, { mode: 0o700 });
  await writeFile(passwordFile, `${randomBytes(16).toString("hex")}\n`, { mode: 0o600 });
  if (runAs.uid !== undefined && runAs.gid !== undefined) {
    await chown(data, runAs.uid, runAs.gid);
    await chown(passwordFile, runAs.uid, runAs.gid);
  }
  const args = ["-D", data, `--pwfile=${passwordFile}`, ...initdbArgs];
  await run(join(binaries.bin, "initdb"), args, { ...runAs, cwd: data });
}

function templatePath(binaries: Binaries, runAs: RunAs): string {
  const owner = process.getuid?.() ?? 0;
  const key = createHash("sha256").update(JSON.stringify([binaries.version, runAs.uid ?? owner, initdbArgs]));
  return join(tmpdir(), `fleetwire-postgres-template-${owner}-${key.digest("hex").slice(0, 16)}.tar`);
}

/** Anybody can put a file under that name: only one that nobody else could write is used. */
async function isOurs(template: string): Promise<boolean> {
  const found = await lstat(template).catch(() => null);
  return found !== null && found.isFile() && found.uid === process.getuid?.() && (found.mode & 0o077) === 0;
}

// One file, put in place in one step: other tests see all of it or nothing, and so does what cleans temporary folders.
async function keep(template: string, folder: string): Promise<void> {
  const archive = join(folder, "template.tar");
  await run("tar", ["--numeric-owner", "-cf", archive, "-C", folder, "data", "password"]);
  await chmod(archive, 0o600);
  await rename(archive, template);
}
