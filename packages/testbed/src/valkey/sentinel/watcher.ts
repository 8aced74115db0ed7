import { writeFileSync } from "node:fs";
import { join } from "node:path";
import { freePort } from "../../free-port.ts";
import { startProcess } from "../../process/process.ts";
import { removeTempDir, tempDir } from "../../temp-dir.ts";
import { valkeyBinary } from "../binary.ts";
import { configuration, quoted } from "../configuration.ts";
import { waitForPong } from "../ready.ts";

/** What a sentinel watches. */
export interface Watched {
  name: string;
  primary: { host: string; port: number };
  /** Of the servers. */
  password: string | undefined;
  downAfterMs: number;
  /** How many sentinels have to agree that the primary is down. */
  quorum: number;
}

export interface Watcher {
  host: string;
  port: number;
  close(): Promise<void>;
}

// Redis's own 3 min bound a step of a failover, and the pause before another try after one that failed.
const failoverTimeoutMs = 10_000;

/**
 * Starts one sentinel, in a folder of its own: it writes into its file what it learns.
 *
 * @throws Error with its last lines when it can't be started.
 */
export async function startWatcher(watched: Watched): Promise<Watcher> {
  const { name, primary, password, downAfterMs, quorum } = watched;
  const binary = await valkeyBinary();
  const folder = tempDir("sentinel");
  const address = { host: "127.0.0.1", port: await freePort() };
  const file = join(folder, "sentinel.conf");
  const settings = {
    bind: address.host,
    port: String(address.port),
    dir: quoted(folder),
    // Monitored first: the others name it.
    [`sentinel monitor ${name}`]: `${primary.host} ${primary.port} ${quorum}`,
    [`sentinel down-after-milliseconds ${name}`]: String(downAfterMs),
    [`sentinel failover-timeout ${name}`]: String(failoverTimeoutMs),
    ...(password === undefined ? {} : { [`sentinel auth-pass ${name}`]: quoted(password) }),
  };
  writeFileSync(file, configuration(settings), { mode: 0o600 });

  const sentinel = startProcess({ name: "sentinel", command: binary, args: [file, "--sentinel"], cwd: folder });
  await waitForPong(sentinel, address);
  return {
    ...address,
    close: async () => {
      await sentinel.kill9Group();
      removeTempDir(folder);
    },
  };
}
