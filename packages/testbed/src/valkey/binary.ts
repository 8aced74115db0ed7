import { execFile } from "node:child_process";
import { accessSync, constants } from "node:fs";
import { delimiter, join } from "node:path";
import { promisify } from "node:util";
import { readConfig } from "../config.ts";
import { installByApt } from "./install.ts";

const run = promisify(execFile);

const programs = ["valkey-server", "redis-server"] as const;

/**
 * The server's program: the one that `REDIS_SERVER_BIN` names, else valkey-server or redis-server of PATH, else the
 * latter after an installation by apt-get, which takes root.
 *
 * @throws Error that says what to install or to set, when there is none or it can't be run.
 */
export async function valkeyBinary(): Promise<string> {
  const binary = readConfig().valkeyServerBin ?? onPath() ?? (await install());
  try {
    await run(binary, ["--version"]);
  } catch (cause) {
    throw new Error(`${binary} can't be run: name valkey-server or redis-server in REDIS_SERVER_BIN`, { cause });
  }
  return binary;
}

async function install(): Promise<string> {
  const advice =
    "install one (Debian and Ubuntu: apt-get install redis-server; macOS: brew install valkey) or name it in REDIS_SERVER_BIN";
  if (process.getuid?.() !== 0 || find("apt-get") === undefined) {
    throw new Error(`no valkey-server and no redis-server on PATH: ${advice}`);
  }
  try {
    await installByApt("redis-server");
  } catch (cause) {
    throw new Error(`no valkey-server and no redis-server on PATH, and apt-get can't install it: ${advice}`, { cause });
  }
  const installed = onPath();
  if (installed === undefined) throw new Error(`apt-get installed redis-server, but it isn't on PATH: ${advice}`);
  return installed;
}

function onPath(): string | undefined {
  return programs.map(find).find((path) => path !== undefined);
}

function find(program: string): string | undefined {
  const folders = (readConfig().inheritedEnvironment["PATH"] ?? "").split(delimiter);
  return folders.map((folder) => join(folder, program)).find(isExecutable);
}

function isExecutable(path: string): boolean {
  try {
    accessSync(path, constants.X_OK);
    return true;
  } catch {
    return false;
  }
}
