import { chmodSync, existsSync, mkdtempSync, readFileSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { eventually, freePort, runSource, startPostgres, startValkey, type TestProcess } from "@fleetwire/testbed";
import { cpuSecondsOf } from "../children.ts";

export type StoreKind = "valkey" | "postgres";

/** A command-server in a process of its own. */
export interface BenchServer {
  readonly url: string;
  readonly grpc: string;
  readonly pid: number;
  cpuSeconds(): number;
  /** Resident memory, bytes. */
  memory(): number;
  /** SIGTERM, and the same again on the same ports; resolves when it is ready. */
  restart(): Promise<void>;
  stop(): Promise<void>;
}

/** One store on a server of its own, and command-servers on it. */
export interface BenchSystem {
  readonly kind: StoreKind;
  readonly servers: readonly BenchServer[];
  readonly token: string;
  /** Of the store's process (PostgreSQL: all of its backends). */
  storeCpuSeconds(): number;
  /** Where the store listens. */
  readonly storeUrl: string;
  /** What the store is and how it syncs. */
  readonly storeName: string;
  joinToken(uses: number): Promise<string>;
  close(): Promise<void>;
}

interface BenchStore {
  url: string;
  name: string;
  env: Record<string, string>;
  cpuSeconds(): number;
  close(): Promise<void>;
}

/** `settings` are environment variables of every server. */
export async function startSystem(
  root: string,
  kind: StoreKind,
  o: { servers?: number; settings?: Record<string, string> } = {},
): Promise<BenchSystem> {
  const store = kind === "valkey" ? await openValkey() : await openPostgres();
  const home = mkdtempSync(join(tmpdir(), "fleetwire-bench-"));
  chmodSync(home, 0o711);
  // The first one makes the tables and the token.
  const servers: BenchServer[] = [];
  for (let n = 0; n < (o.servers ?? 1); n += 1) {
    servers.push(await startServer(root, { FLEETWIRE_HOME: home, LOG_LEVEL: "warn", ...store.env, ...o.settings }));
  }
  const { token } = await credentialsIn(home);
  const [first] = servers;
  if (first === undefined) throw new Error("a system has at least one server");
  return {
    kind,
    servers,
    token,
    storeUrl: store.url,
    storeName: store.name,
    storeCpuSeconds: () => store.cpuSeconds(),
    joinToken: (uses) => createJoinToken(first.url, token, uses),
    close: async () => {
      for (const server of servers) await server.stop();
      await store.close();
      rmSync(home, { recursive: true, force: true });
    },
  };
}

async function openValkey(): Promise<BenchStore> {
  const valkey = await startValkey();
  return {
    url: valkey.url,
    name: `${valkey.version}, appendfsync everysec`,
    env: { COMMAND_STORE: "valkey", VALKEY_URL: valkey.url },
    cpuSeconds: () => cpuSecondsOf(valkey.pid),
    close: () => valkey.close(),
  };
}

async function openPostgres(): Promise<BenchStore> {
  const postgres = await startPostgres({ maxConnections: 100 });
  return {
    url: postgres.url,
    name: "PostgreSQL 18, fsync and synchronous_commit on",
    env: { DATABASE_URL: postgres.url },
    cpuSeconds: () =>
      [postgres.pid, ...childrenOf(postgres.pid)].reduce((sum, pid) => sum + (cpuSecondsOf(pid) || 0), 0),
    close: () => postgres.close(),
  };
}

async function startServer(root: string, env: Record<string, string>): Promise<BenchServer> {
  const [port, grpcPort] = [await freePort(), await freePort()];
  const url = `http://127.0.0.1:${port}`;
  const profile = process.env["FLEETWIRE_BENCH_PROFILE"];
  const launch = async (): Promise<TestProcess> => {
    const started = runSource(join(root, "apps/command-server/src/main.ts"), [], {
      name: "command-server",
      nodeArgs: profile ? ["--cpu-prof", `--cpu-prof-dir=${profile}`] : [],
      env: { ...env, COMMAND_SERVER_PORT: String(port), COMMAND_SERVER_GRPC_PORT: String(grpcPort) },
    });
    const ready = eventually(async () => (await fetch(`${url}/health/ready`)).status === 200, {
      deadlineMs: 60_000,
      what: "the server to be ready",
    });
    await Promise.race([ready, started.exited.then(() => started.waitForLine(/(?!)/))]);
    return started;
  };
  let server = await launch();
  return {
    url,
    grpc: `127.0.0.1:${grpcPort}`,
    get pid() {
      return server.pid;
    },
    cpuSeconds: () => cpuSecondsOf(server.pid),
    memory: () => memoryOf(server.pid),
    restart: async () => {
      await server.stop({ deadlineMs: 60_000 });
      server = await launch();
    },
    stop: async () => {
      await server.stop({ deadlineMs: 60_000 });
    },
  };
}

/** PostgreSQL has a process for each connection. */
function childrenOf(pid: number): number[] {
  return readFileSync(`/proc/${pid}/task/${pid}/children`, "utf8").trim().split(" ").filter(Boolean).map(Number);
}

/** Resident memory of a process, bytes. */
function memoryOf(pid: number): number {
  const status = readFileSync(`/proc/${pid}/status`, "utf8");
  return Number(/VmRSS:\s+(\d+) kB/.exec(status)?.[1]) * 1024;
}

async function createJoinToken(url: string, token: string, uses: number): Promise<string> {
  const response = await fetch(`${url}/join-tokens`, {
    method: "POST",
    headers: { authorization: `Bearer ${token}`, "content-type": "application/json" },
    body: JSON.stringify({ uses, ttlSeconds: 3600 }),
  });
  if (response.status !== 201) throw new Error(`POST /join-tokens: ${response.status} ${await response.text()}`);
  return ((await response.json()) as { token: string }).token;
}

/** What the server leaves for the command line; it writes the file when it listens. */
function credentialsIn(home: string): Promise<{ token: string }> {
  const file = join(home, "cli.json");
  const read = (): { token: string } | undefined =>
    existsSync(file) ? (JSON.parse(readFileSync(file, "utf8")) as { token: string }) : undefined;
  return eventually(read, { deadlineMs: 5_000, what: "cli.json" });
}
