import { randomBytes } from "node:crypto";
import { chmodSync } from "node:fs";
import { join } from "node:path";
import { Client, escapeIdentifier } from "pg";
import { eventually } from "../eventually.ts";
import { freePort } from "../free-port.ts";
import { childrenOf, isRunning } from "../process/process-tree.ts";
import { startProcess, type TestProcess } from "../process/process.ts";
import { signalProcess } from "../process/signals.ts";
import { removeTempDir, tempDir } from "../temp-dir.ts";
import { watchdog } from "../watchdog.ts";
import { postgresBinaries, postgresUser } from "./binaries.ts";
import { createCluster } from "./cluster.ts";

export interface PostgresOptions {
  /** The server's `max_connections`; default 50. */
  maxConnections?: number;
  /** More settings, such as `{ log_statement: "all" }`. */
  settings?: Record<string, string>;
}

/** A PostgreSQL cluster of this test process alone, on 127.0.0.1. */
export interface TestPostgres {
  /** Superuser's URL, with password, of the database `postgres`. */
  readonly url: string;
  readonly host: string;
  readonly port: number;
  /** Of the postmaster; of the last one while it is stopped. */
  readonly pid: number;
  /** The server's newest log lines since its last start. */
  readonly log: readonly string[];
  /** Makes an empty database (default name: a fresh one) and gives its URL. */
  createDatabase(name?: string): Promise<string>;
  /** Ends it in order; clients are disconnected at once ("fast"). */
  stop(): Promise<void>;
  /** Starts it on the same port and data; resolves when it takes connections. */
  start(): Promise<void>;
  restart(): Promise<void>;
  /** SIGKILL to the postmaster and all its backends; resolves when all are gone. */
  kill9(): Promise<void>;
  /** SIGSTOP to all of its processes: sockets stay open, nothing answers. */
  pause(): Promise<void>;
  resume(): Promise<void>;
  /** Ends it and removes its folder. */
  close(): Promise<void>;
}

const startDeadlineMs = 30_000;
const stopDeadlineMs = 20_000;

/**
 * Starts a private PostgreSQL server with a fresh data folder; writes are synced as in production. The server and its
 * folder go when this process ends, however it ends.
 *
 * @throws Error with the server's last lines when it can't be started.
 */
export async function startPostgres(options: PostgresOptions = {}): Promise<TestPostgres> {
  const folder = tempDir("postgres");
  const runAs = await postgresUser();
  if (runAs.uid !== undefined) chmodSync(folder, 0o711);
  const binaries = await postgresBinaries(runAs, folder);
  const { data, password } = await createCluster(binaries, runAs, folder);
  const port = await freePort();
  const url = `postgresql://postgres:${password}@127.0.0.1:${port}/postgres`;

  const settings: Record<string, string> = {
    listen_addresses: "127.0.0.1",
    port: String(port),
    unix_socket_directories: "",
    max_connections: String(options.maxConnections ?? 50),
    // In the data folder, so that nothing stays in /dev/shm after a kill -9.
    dynamic_shared_memory_type: "mmap",
    ...options.settings,
  };
  const spawnServer = async (): Promise<TestProcess> => {
    const server = startProcess({
      name: "postgres",
      command: join(binaries.bin, "postgres"),
      args: ["-D", data, ...Object.entries(settings).flatMap(([name, value]) => ["-c", `${name}=${value}`])],
      cwd: folder,
      ...runAs,
    });
    await server.waitForLine(/database system is ready to accept connections/, startDeadlineMs);
    return server;
  };

  let server = await spawnServer();
  let running = true;
  let paused = false;

  const signalAll = async (signal: NodeJS.Signals): Promise<number[]> => {
    // The postmaster first: stopped, it can't fork a child that would be missed.
    server.signal(signal === "SIGCONT" ? "SIGCONT" : "SIGSTOP");
    const pids = [...(await childrenOf(server.pid)), server.pid];
    for (const pid of pids) {
      // A stopped backend doesn't see that its postmaster has gone: it would outlive this process.
      if (signal === "SIGSTOP") watchdog.guardGroup(pid);
      if (signal === "SIGCONT" && pid !== server.pid) watchdog.forgetGroup(pid);
      signalProcess(pid, signal);
    }
    return pids;
  };

  const self: TestPostgres = {
    url,
    host: "127.0.0.1",
    port,
    get pid() {
      return server.pid;
    },
    get log() {
      return server.output;
    },
    createDatabase: async (name = `test_${randomBytes(6).toString("hex")}`) => {
      await query(url, `CREATE DATABASE ${escapeIdentifier(name)}`);
      const created = new URL(url);
      created.pathname = `/${encodeURIComponent(name)}`;
      return created.href;
    },
    stop: async () => {
      if (!running) return;
      if (paused) await self.resume();
      running = false;
      server.signal("SIGINT");
      await eventually(async () => !(await isRunning(server.pid)), {
        deadlineMs: stopDeadlineMs,
        what: "PostgreSQL's fast shutdown",
      });
      await server.stop();
    },
    start: async () => {
      if (running) return;
      server = await spawnServer();
      running = true;
    },
    restart: async () => {
      await self.stop();
      await self.start();
    },
    kill9: async () => {
      if (!running) return;
      running = false;
      paused = false;
      const pids = await signalAll("SIGKILL");
      await server.exited;
      await eventually(async () => (await Promise.all(pids.map(isRunning))).every((is) => !is), {
        deadlineMs: stopDeadlineMs,
        what: "the end of PostgreSQL's killed backends",
      });
    },
    pause: async () => {
      if (!running || paused) return;
      paused = true;
      await signalAll("SIGSTOP");
    },
    resume: async () => {
      if (!paused) return;
      paused = false;
      await signalAll("SIGCONT");
    },
    close: async () => {
      await self.stop();
      removeTempDir(folder);
    },
  };
  return self;
}

async function query(url: string, text: string): Promise<void> {
  const client = new Client({ connectionString: url, connectionTimeoutMillis: 10_000 });
  client.on("error", () => {}); // the awaited calls below reject with it
  await client.connect();
  try {
    await client.query(text);
  } finally {
    await client.end();
  }
}
