import { chmodSync, existsSync, mkdtempSync, readFileSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { eventually, freePort, runSource } from "@fleetwire/testbed";
import { cpuSecondsOf } from "../children.ts";

/** A command-server on embedded PostgreSQL, in a process of its own, in a home of its own. */
export interface System {
  url: string;
  grpc: string;
  token: string;
  joinToken(uses: number): Promise<string>;
  serverCpuSeconds(): number;
  close(): Promise<void>;
}

/** @param settings environment variables of the server. */
export async function startSystem(root: string, settings: Record<string, string> = {}): Promise<System> {
  const home = mkdtempSync(join(tmpdir(), "fleetwire-bench-"));
  // As root, the database runs as another user and keeps its data in here.
  chmodSync(home, 0o711);
  const [port, grpcPort] = [await freePort(), await freePort()];
  const url = `http://127.0.0.1:${port}`;
  const server = runSource(join(root, "apps/command-server/src/main.ts"), [], {
    name: "command-server",
    nodeArgs: process.env["FLEETWIRE_BENCH_PROFILE"]
      ? ["--cpu-prof", `--cpu-prof-dir=${process.env["FLEETWIRE_BENCH_PROFILE"]}`]
      : [],
    env: {
      FLEETWIRE_HOME: home,
      COMMAND_SERVER_PORT: String(port),
      COMMAND_SERVER_GRPC_PORT: String(grpcPort),
      LOG_LEVEL: "warn",
      ...settings,
    },
  });
  const ready = eventually(async () => (await fetch(`${url}/health/ready`)).status === 200, {
    deadlineMs: 30_000,
    what: "the server to be ready",
  });
  await Promise.race([ready, server.exited.then(() => server.waitForLine(/(?!)/))]);
  const { token } = await credentialsIn(home);
  return {
    url,
    grpc: `127.0.0.1:${grpcPort}`,
    token,
    joinToken: async (uses) => {
      const response = await fetch(`${url}/join-tokens`, {
        method: "POST",
        headers: { authorization: `Bearer ${token}`, "content-type": "application/json" },
        body: JSON.stringify({ uses, ttlSeconds: 3600 }),
      });
      if (response.status !== 201) throw new Error(`POST /join-tokens: ${response.status} ${await response.text()}`);
      return ((await response.json()) as { token: string }).token;
    },
    serverCpuSeconds: () => cpuSecondsOf(server.pid),
    close: async () => {
      await server.stop({ deadlineMs: 30_000 });
      rmSync(home, { recursive: true, force: true });
    },
  };
}

/** What the server leaves for the command line; it writes the file when it listens. */
function credentialsIn(home: string): Promise<{ token: string }> {
  const file = join(home, "cli.json");
  const read = (): { token: string } | undefined =>
    existsSync(file) ? (JSON.parse(readFileSync(file, "utf8")) as { token: string }) : undefined;
  return eventually(read, { deadlineMs: 5_000, what: "cli.json" });
}
