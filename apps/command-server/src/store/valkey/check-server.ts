import type { Logger } from "@fleetwire/service";
import type { Valkey } from "./valkey.ts";

/** Redis 7 and Valkey 7.2: scripts that say whether they may run at `maxmemory`. */
const minMajor = 7;

/**
 * Whether commands are safe on this server. Throws where it would throw keys away, or is too old; warns where a crash may lose
 * more than a second. A server that doesn't show its settings is taken as it is.
 */
export async function checkServer(valkey: Valkey, log: Logger): Promise<void> {
  const info = await valkey.command<string>("INFO", "server");
  const version = /^(?:valkey|redis)_version:(\S+)/m.exec(info)?.[1] ?? "";
  if (Number.parseInt(version, 10) < minMajor) {
    throw new Error(`Valkey or Redis ${minMajor} is needed; the server says ${version}.`);
  }
  const settings = await readSettings(valkey);
  if (settings === null) {
    log.warn(
      "the server doesn't show its settings: see to it that it has maxmemory-policy noeviction and appendonly yes",
    );
    return;
  }
  const { policy, limit, appendOnly, fsync } = settings;
  if (policy !== "noeviction" && limit !== "0") {
    throw new Error(
      `The server may throw commands away: maxmemory-policy is ${policy}. Set it to noeviction (CONFIG SET maxmemory-policy noeviction).`,
    );
  }
  const unsafe = appendOnly !== "yes" || fsync === "no";
  const message = unsafe
    ? "a crash of Valkey may lose commands: set appendonly yes"
    : "Valkey keeps an append-only file";
  log[unsafe ? "warn" : "info"]({ version, appendOnly, fsync, policy }, message);
}

async function readSettings(valkey: Valkey) {
  try {
    const read = async (name: string) => (await valkey.command<string[]>("CONFIG", "GET", name))[1] ?? "";
    return {
      policy: await read("maxmemory-policy"),
      limit: await read("maxmemory"),
      appendOnly: await read("appendonly"),
      fsync: await read("appendfsync"),
    };
  } catch {
    // Hosted servers often forbid CONFIG.
    return null;
  }
}
