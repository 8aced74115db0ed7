import { chmodSync, readFileSync } from "node:fs";
import { join } from "node:path";
import { fileURLToPath } from "node:url";
import { eventually, freePort, removeTempDir, startProcess, tempDir, type TestProcess } from "@fleetwire/testbed";
import { fleetwire, type Target } from "./fleetwire.ts";

/** A command-server and agents as real processes, started by the launchers in bin/, on an embedded database. */
export interface Installation extends Target {
  readonly home: string;
  /** The server's process as it runs now. */
  readonly server: TestProcess;
  /** Enrols an agent and waits until it is online. `args`: more of its command line. */
  startAgent(id: string, args?: readonly string[]): Promise<TestProcess>;
  startServer(): Promise<void>;
  close(): Promise<void>;
}

const bin = fileURLToPath(new URL("../../../bin", import.meta.url));
const readyMs = 40_000;

export async function startInstallation(): Promise<Installation> {
  const home = tempDir("cli");
  // Root's database runs as another user; where that one can't pass, its data would be put outside of this folder.
  chmodSync(home, 0o711);
  const [port, grpcPort] = [await freePort(), await freePort()];
  const agents: TestProcess[] = [];
  const startServerProcess = async () => {
    const server = startProcess({
      name: "command-server",
      command: join(bin, "fleetwire-command-server"),
      env: {
        FLEETWIRE_HOME: home,
        COMMAND_SERVER_PORT: String(port),
        COMMAND_SERVER_GRPC_PORT: String(grpcPort),
        COMMAND_SERVER_GO_AWAY: "0ms",
      },
    });
    await server.waitForLine(/command-server is ready/, readyMs);
    return server;
  };
  let server = await startServerProcess();
  const { token }: { token: string } = JSON.parse(readFileSync(join(home, "cli.json"), "utf8"));
  const target = { url: `http://127.0.0.1:${port}`, token };

  return {
    ...target,
    home,
    get server() {
      return server;
    },
    async startAgent(id, more = []) {
      const created = await fleetwire(target, "agents", "token", "--agent", id);
      const agent = startProcess({
        name: id,
        command: join(bin, "fleetwire-agent"),
        args: ["--server", `127.0.0.1:${grpcPort}`, "--id", id, ...more],
        env: { FLEETWIRE_HOME: home, FLEETWIRE_JOIN_TOKEN: created.stdout },
      });
      agents.push(agent);
      await eventually(
        async () => (await fleetwire(target, "--json", "agents", "show", id)).stdout.includes('"online"'),
        {
          deadlineMs: readyMs,
          intervalMs: 100,
          what: `agent ${id} online`,
        },
      );
      return agent;
    },
    async startServer() {
      server = await startServerProcess();
    },
    async close() {
      for (const agent of agents) await agent.stop();
      await server.stop({ deadlineMs: 20_000 });
      removeTempDir(home);
    },
  };
}
