import { fileURLToPath } from "node:url";
import { runSource, tempDir, type TestProcess } from "@fleetwire/testbed";
import type { ServerProcess } from "./server-process.ts";

const entry = fileURLToPath(new URL("../../apps/agent/src/main.ts", import.meta.url));

export interface AgentProcess {
  readonly id: string;
  /** Where its key and ledger are. */
  readonly directory: string;
  readonly process: TestProcess;
  /** Starts it again in the same directory (or another one). Waits for it to connect unless told not to. */
  restart(options?: { directory?: string; wait?: boolean; server?: string }): Promise<void>;
}

export interface AgentOptions {
  /** Default: the fleet's first server itself. */
  server?: string;
  directory?: string;
  joinToken?: string;
  /** Whether to wait until it is connected; default yes. */
  wait?: boolean;
  args?: readonly string[];
}

/** A real agent, enrolled with a token of its own where none is given. */
export async function startAgent(id: string, server: ServerProcess, options: AgentOptions): Promise<AgentProcess> {
  let directory = options.directory ?? tempDir(`agent-${id}`);
  let target = options.server ?? server.grpc;
  const joinToken = options.joinToken ?? (await server.operator.joinToken({ uses: 1, ttlSeconds: 600 })).token;
  const launch = (): TestProcess =>
    runSource(entry, ["--server", target, "--id", id, "--data-dir", directory, ...(options.args ?? [])], {
      name: `agent ${id}`,
      env: { FLEETWIRE_JOIN_TOKEN: joinToken, FLEETWIRE_HOME: directory },
    });
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
