import { execFile } from "node:child_process";
import { promisify } from "node:util";
import { readConfig } from "../config.ts";
import { installMissing } from "../install/apt.ts";
import { find } from "../install/find.ts";

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
  const wanted = { packageName: "redis-server", program: "redis-server" };
  await installMissing(wanted, {
    missing: "no valkey-server and no redis-server on PATH",
    advice:
      "install one (Debian and Ubuntu: apt-get install redis-server; macOS: brew install valkey) or name it in REDIS_SERVER_BIN",
  });
  const installed = onPath();
  if (installed === undefined) throw new Error("apt-get installed redis-server, but it isn't on PATH");
  return installed;
}

function onPath(): string | undefined {
  return programs.map(find).find((path) => path !== undefined);
}
