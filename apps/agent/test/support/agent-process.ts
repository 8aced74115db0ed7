import { join } from "node:path";
import { fileURLToPath } from "node:url";
import { runSource, tempDir, type TestProcess } from "@fleetwire/testbed";
import type { TestServer } from "./test-server.ts";

export interface AgentProcess extends TestProcess {
  dataDirectory: string;
}

export interface AgentProcessOptions {
  args?: readonly string[];
  env?: Record<string, string>;
  dataDirectory?: string;
  /** Default: without the launcher. */
  launcher?: boolean;
  /** Null: none. */
  joinToken?: string | null;
  nodeArgs?: readonly string[];
}

const entry = fileURLToPath(new URL("../../src/launcher.ts", import.meta.url));

/** Starts an agent as a process of its own, by default under `agent-1`, enrolling with the test server's token. */
export function startAgentProcess(
  server: Pick<TestServer, "address">,
  options: AgentProcessOptions = {},
): AgentProcess {
  const { dataDirectory = join(tempDir("agent"), "data"), joinToken = "good-token", launcher = false } = options;
  const args = [
    ...(launcher ? [] : ["--no-launcher"]),
    "--server",
    server.address,
    "--id",
    "agent-1",
    "--data-dir",
    dataDirectory,
    ...(options.args ?? []),
  ];
  const started = runSource(entry, args, {
    name: "agent",
    env: { ...(joinToken === null ? {} : { FLEETWIRE_JOIN_TOKEN: joinToken }), ...options.env },
    ...(options.nodeArgs === undefined ? {} : { nodeArgs: options.nodeArgs }),
  });
  return Object.assign(started, { dataDirectory });
}
