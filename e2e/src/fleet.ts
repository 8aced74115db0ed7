import { mkdirSync } from "node:fs";
import { join } from "node:path";
import { eventually, tempDir, type TestPostgres } from "@fleetwire/testbed";
import { startAgent, type AgentOptions, type AgentProcess } from "./agent-process.ts";
import { ended, type CommandView, type Operator } from "./operator.ts";
import { startServer, type ServerOptions, type ServerProcess } from "./server-process.ts";
import { startStore, type FleetStore, type StoreKind } from "./store.ts";

export interface FleetOptions {
  /** What keeps the records; default PostgreSQL. */
  store?: StoreKind;
  /** How many servers there are on it (default one), or what is special about each. */
  servers?: number | readonly ServerOptions[];
  /** Environment variables of every server. */
  settings?: Record<string, string>;
}

/** One store, its servers, and as many agents as a test starts; `close` ends them all. */
export interface Fleet {
  /** Throws where the store is another one. */
  readonly postgres: TestPostgres;
  readonly store: FleetStore;
  readonly servers: readonly ServerProcess[];
  /** The first server, and an operator who speaks to it. */
  readonly server: ServerProcess;
  readonly operator: Operator;
  /** The same fleet with another server as the first. */
  from(server: ServerProcess): Fleet;
  agent(id: string, options?: AgentOptions): Promise<AgentProcess>;
  /** A folder of this test. */
  folder(name: string): string;
  /** Waits for a terminal state. */
  ended(commandId: string, deadlineMs?: number): Promise<CommandView>;
  close(): Promise<void>;
}

/** Starts a store and command-servers on it. */
export async function startFleet(options: FleetOptions = {}): Promise<Fleet> {
  const directory = tempDir("fleet");
  const store = await startStore(options.store ?? "postgres");
  const { servers: wanted = 1 } = options;
  const each = typeof wanted === "number" ? Array.from({ length: wanted }, (): ServerOptions => ({})) : wanted;
  const servers: ServerProcess[] = [];
  // One after the other: the first makes the operator's token.
  for (const [at, own] of each.entries()) {
    const settings = { ...store.settings, ...options.settings, ...own.settings };
    servers.push(await startServer(`command-server ${at + 1}`, join(directory, "home"), { ...own, settings }));
  }
  const [server] = servers;
  if (server === undefined) throw new Error("a fleet has a server");
  const agents: AgentProcess[] = [];
  const folder = (name: string): string => {
    const path = join(directory, name);
    mkdirSync(path, { recursive: true });
    return path;
  };
  const close = async (): Promise<void> => {
    await Promise.all(agents.map((agent) => agent.process.kill9Group()));
    await Promise.all(servers.map((each) => each.process.kill9Group()));
    await store.close();
  };

  const seenFrom = (server: ServerProcess): Fleet => ({
    get postgres() {
      if (store.postgres === null) throw new Error("this fleet's store isn't PostgreSQL");
      return store.postgres;
    },
    store,
    servers,
    server,
    operator: server.operator,
    from: seenFrom,
    folder,
    agent: async (id, agentOptions = {}) => {
      const agent = await startAgent(id, server, { directory: folder(`agent-${id}`), ...agentOptions });
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
    close,
  });
  return seenFrom(server);
}
