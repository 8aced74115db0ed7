import { writeFileSync } from "node:fs";
import { join } from "node:path";
import { freePort } from "../free-port.ts";
import { startProcess } from "../process/process.ts";
import { type Server, startServer } from "../process/server.ts";
import { removeTempDir, tempDir } from "../temp-dir.ts";
import { valkeyBinary } from "./binary.ts";
import { type Address, sendCommand } from "./command.ts";
import { configuration, quoted } from "./configuration.ts";
import { waitForPong } from "./ready.ts";

export interface ValkeyOptions {
  /** More directives of redis.conf, such as `{ maxmemory: "20mb", appendfsync: "always" }`. */
  settings?: Record<string, string>;
  /** What clients have to say; default: none. */
  password?: string;
}

/** A Valkey or Redis server of this test process alone, on 127.0.0.1. What it was told when it is stopped is on disk. */
export interface TestValkey extends Server {
  /** `redis://127.0.0.1:PORT`, with the password where there is one. */
  readonly url: string;
  readonly host: string;
  readonly port: number;
  /** Program and version, as the server says them: `redis 7.0.15`, `valkey 8.1.1`. */
  readonly version: string;
  /**
   * Sends one command over a connection of its own and gives the answer in RESP2's shapes: strings, numbers, null, arrays.
   * @throws Error the server's own, that of the connection, or after 30 s without an answer.
   */
  command(...args: (string | number)[]): Promise<unknown>;
  /** Ends it and removes its folder. */
  close(): Promise<void>;
}

const stopDeadlineMs = 20_000;

/**
 * Starts a private Valkey or Redis server with an empty folder; each write goes to its append-only file, synced every
 * second, and nothing is evicted. The server and its folder go when this process ends, however it ends. A missing
 * program is installed first where that is possible (see `valkeyBinary`).
 *
 * @throws Error that says what to install; or with the server's last lines when it can't be started.
 */
export async function startValkey(options: ValkeyOptions = {}): Promise<TestValkey> {
  const { password } = options;
  const binary = await valkeyBinary();
  const folder = tempDir("valkey");
  const address: Address = { host: "127.0.0.1", port: await freePort(), password };

  // A file, not arguments: a Sentinel has its servers write down what it made of them, as in production.
  const file = join(folder, "valkey.conf");
  const settings = {
    bind: address.host,
    port: String(address.port),
    dir: quoted(folder),
    save: "",
    appendonly: "yes",
    appendfsync: "everysec",
    "maxmemory-policy": "noeviction",
    ...(password === undefined ? {} : { requirepass: quoted(password) }),
    ...options.settings,
  };
  writeFileSync(file, configuration(settings), { mode: 0o600 });

  const server = await startServer({
    spawn: async () => {
      const started = startProcess({ name: "valkey", command: binary, args: [file], cwd: folder });
      await waitForPong(started, address);
      return started;
    },
    stopDeadlineMs,
  });

  // The lifecycle's own object: its pid and log change.
  return Object.assign(server, {
    url: `redis://${password === undefined ? "" : `:${encodeURIComponent(password)}@`}${address.host}:${address.port}`,
    host: address.host,
    port: address.port,
    version: await askVersion(address),
    command: (...args: (string | number)[]) => sendCommand(address, ...args),
    close: async () => {
      // Not in order: a primary would first wait for replicas that don't answer, for data that nobody will read.
      await server.kill9();
      removeTempDir(folder);
    },
  });
}

async function askVersion(address: Address): Promise<string> {
  const info = String(await sendCommand(address, "INFO", "server"));
  const valkey = info.match(/^valkey_version:(.*)$/m)?.[1]?.trim();
  if (valkey !== undefined) return `valkey ${valkey}`;
  return `redis ${info.match(/^redis_version:(.*)$/m)?.[1]?.trim() ?? "of unknown version"}`;
}
