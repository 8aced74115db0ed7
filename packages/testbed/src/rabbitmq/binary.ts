import { readFileSync } from "node:fs";
import { dirname, join } from "node:path";
import { readConfig } from "../config.ts";
import { installMissing } from "../install/apt.ts";
import { findAll, isExecutable } from "../install/find.ts";

// Debian's; the one that it puts on PATH runs as its own user, in its own folders.
const debian = "/usr/lib/rabbitmq/bin/rabbitmq-server";

/**
 * The server's script, with `rabbitmqctl` beside it: the one that `RABBITMQ_SERVER_BIN` names, else Debian's, else the one
 * of PATH, else Debian's after an installation by apt-get, which takes root.
 *
 * @throws Error that says what to install or to set, when there is none or it can't be run.
 */
export async function rabbitmqBinary(): Promise<string> {
  const binary = readConfig().rabbitmqServerBin ?? installed() ?? (await install());
  const missing = [binary, join(dirname(binary), "rabbitmqctl")].find((path) => !isExecutable(path));
  if (missing !== undefined) {
    throw new Error(
      `${missing} can't be run: name rabbitmq-server, with rabbitmqctl beside it, in RABBITMQ_SERVER_BIN`,
    );
  }
  return binary;
}

function installed(): string | undefined {
  return [debian, ...findAll("rabbitmq-server").filter((path) => !changesUser(path))].find(isExecutable);
}

async function install(): Promise<string> {
  const wanted = { packageName: "rabbitmq-server", program: debian };
  await installMissing(wanted, {
    missing: "no rabbitmq-server in /usr/lib/rabbitmq/bin or on PATH",
    advice:
      "install it (Debian and Ubuntu: apt-get install rabbitmq-server; macOS: brew install rabbitmq) or name it in RABBITMQ_SERVER_BIN",
  });
  return debian;
}

function changesUser(script: string): boolean {
  return /\bsu rabbitmq\b|\brunuser\b/.test(readFileSync(script, "latin1"));
}
