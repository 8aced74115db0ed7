import { existsSync, mkdirSync, readFileSync } from "node:fs";
import { join } from "node:path";
import { fileURLToPath } from "node:url";
import {
  eventually,
  freePort,
  runSource,
  startPostgres,
  tempDir,
  type TestPostgres,
  type TestProcess,
} from "@fleetwire/testbed";
import { connectOperator, ended, type CommandView, type Operator } from "./operator.ts";

const root = fileURLToPath(new URL("../..", import.meta.url));

/** A command-server as a process of its own, on a database that outlives it. */
export interface ServerProcess {
  readonly operator: Operator;
  readonly url: string;
  /** `127.0.0.1:port` for agents. */
  readonly grpc: string;
  readonly process: TestProcess;
  /** Starts it again after it ended: same ports, same database. */
  restart(): Promise<void>;
  /** Resident memory, bytes. */
  memory(): number;
}

export interface AgentProcess {
  readonly id: string;
  /** Where its key and ledger are. */
  readonly directory: string;
  readonly process: TestProcess;
  /** Starts it again in the same directory (or another one). Waits for it to connect unless told not to. */
  restart(options?: { directory?: string; wait?: boolean; server?: string }): Promise<void>;
}

export interface AgentOptions {
  /** Default: the server itself. */
  server?: string;
  directory?: string;
  joinToken?: string;
  /** Whether to wait until it is connected; default yes. */
  wait?: boolean;
  args?: readonly string[];
}

/** One database, one server, and as many agents as a test starts; `close` ends them all. */
export interface Fleet {
  readonly postgres: TestPostgres;
  readonly server: ServerProcess;
  readonly operator: Operator;
  agent(id: string, options?: AgentOptions): Promise<AgentProcess>;
  /** A folder of this test. */
  folder(name: string): string;
  /** Waits for a terminal state. */
  ended(commandId: string, deadlineMs?: number): Promise<CommandView>;
  close(): Promise<void>;
}

/** Starts PostgreSQL and a command-server. `settings` are environment variables of the server. */
export async function startFleet(settings: Record<string, string> = {}): Promise<Fleet> {
  const directory = tempDir("fleet");
  const postgres = await startPostgres();
  const server = await startServer(join(directory, "home"), postgres.url, settings);
  const agents: AgentProcess[] = [];
  const folder = (name: string): string => {
    const path = join(directory, name);
    mkdirSync(path, { recursive: true });
    return path;
  };
  return {
    postgres,
    server,
    operator: server.operator,
    folder,
    agent: async (id, options = {}) => {
      const agent = await startAgent(id, server, { directory: folder(`agent-${id}`), ...options });
      agents.push(agent);
      return agent;
    },
    ended: (commandId, deadlineMs = 20_000) =>
      eventually(
        async () => {
          const view = await server.operator.get(commandId);
          return ended(view) ? view : undefined;
        },
        { deadlineMs, intervalMs: 50, what: `${commandId} to end` },
      ),
    close: async () => {
      await Promise.all(agents.map((agent) => agent.process.kill9Group()));
      await server.process.kill9Group();
      await postgres.close();
    },
  };
}

async function startServer(
  home: string,
  databaseUrl: string,
  settings: Record<string, string>,
): Promise<ServerProcess> {
  const [httpPort, grpcPort] = [await freePort(), await freePort()];
  const url = `${"COMMAND_SERVER_TLS_CERT" in settings ? "https" : "http"}://127.0.0.1:${httpPort}`;
  mkdirSync(home, { recursive: true, mode: 0o700 });
  const launch = (): TestProcess =>
    runSource(join(root, "apps/command-server/src/main.ts"), [], {
      name: "command-server",
      env: {
        FLEETWIRE_HOME: home,
        DATABASE_URL: databaseUrl,
        COMMAND_SERVER_PORT: String(httpPort),
        COMMAND_SERVER_GRPC_PORT: String(grpcPort),
        ...settings,
      },
    });
  const ready = (process: TestProcess): Promise<unknown> =>
    Promise.race([
      eventually(async () => (await fetch(`${url}/health/ready`)).status === 200, {
        deadlineMs: 20_000,
        what: "the server to be ready",
      }),
      process.exited.then(() => process.waitForLine(/(?!)/)),
    ]);
  let process = launch();
  await ready(process);
  // It writes the file when it listens.
  const cliFile = join(home, "cli.json");
  await eventually(() => existsSync(cliFile), { deadlineMs: 5_000, what: "cli.json" });
  const { token } = JSON.parse(readFileSync(cliFile, "utf8")) as { token: string };
  return {
    url,
    grpc: `127.0.0.1:${grpcPort}`,
    operator: connectOperator(url, token),
    get process() {
      return process;
    },
    restart: async () => {
      process = launch();
      await ready(process);
    },
    memory: () => {
      const status = readFileSync(`/proc/${process.pid}/status`, "utf8");
      return Number(/VmRSS:\s+(\d+) kB/.exec(status)?.[1]) * 1024;
    },
  };
}

async function startAgent(id: string, server: ServerProcess, options: AgentOptions): Promise<AgentProcess> {
  let directory = options.directory ?? tempDir(`agent-${id}`);
  let target = options.server ?? server.grpc;
  const joinToken = options.joinToken ?? (await server.operator.joinToken({ uses: 1, ttlSeconds: 600 })).token;
  const launch = (): TestProcess =>
    runSource(
      join(root, "apps/agent/src/main.ts"),
      ["--server", target, "--id", id, "--data-dir", directory, ...(options.args ?? [])],
      {
        name: `agent ${id}`,
        env: { FLEETWIRE_JOIN_TOKEN: joinToken, FLEETWIRE_HOME: directory },
      },
    );
  let process = launch();
  if (options.wait !== false) await process.waitForLine(/agent connected/, 20_000);
  return {
    id,
    get directory() {
      return directory;
    },
    get process() {
      return process;
    },
    restart: async (again = {}) => {
      directory = again.directory ?? directory;
      target = again.server ?? target;
      process = launch();
      if (again.wait !== false) await process.waitForLine(/agent connected/, 20_000);
    },
  };
}
