import { existsSync, mkdirSync, readFileSync } from "node:fs";
import { join } from "node:path";
import { fileURLToPath } from "node:url";
import { eventually, freePort, runSource, type TestProcess } from "@fleetwire/testbed";
import { connectOperator, type Operator } from "./operator.ts";

const entry = fileURLToPath(new URL("../../apps/command-server/src/main.ts", import.meta.url));

export interface ServerOptions {
  /** Environment variables. */
  settings?: Record<string, string>;
  /** For Node itself, such as `--import=file:///…`. */
  nodeArgs?: readonly string[];
}

/** A command-server as a process of its own, on a store that outlives it. */
export interface ServerProcess {
  readonly operator: Operator;
  readonly url: string;
  /** The operator's. */
  readonly token: string;
  /** `127.0.0.1:port` for agents. */
  readonly grpc: string;
  readonly httpPort: number;
  readonly grpcPort: number;
  readonly process: TestProcess;
  /** Starts it again after it ended: same ports, same store. */
  restart(): Promise<void>;
  /** Resident memory, bytes. */
  memory(): number;
}

/** @param home shared by the servers of an installation: the operator's token is in it. */
export async function startServer(name: string, home: string, options: ServerOptions): Promise<ServerProcess> {
  const { settings = {}, nodeArgs = [] } = options;
  const [httpPort, grpcPort] = [await freePort(), await freePort()];
  const url = `${"COMMAND_SERVER_TLS_CERT" in settings ? "https" : "http"}://127.0.0.1:${httpPort}`;
  mkdirSync(home, { recursive: true, mode: 0o700 });
  const launch = (): TestProcess =>
    runSource(entry, [], {
      name,
      nodeArgs,
      env: {
        FLEETWIRE_HOME: home,
        COMMAND_SERVER_PORT: String(httpPort),
        COMMAND_SERVER_GRPC_PORT: String(grpcPort),
        ...settings,
      },
    });
  const ready = (process: TestProcess): Promise<unknown> =>
    Promise.race([
      eventually(async () => (await fetch(`${url}/health/ready`)).status === 200, {
        deadlineMs: 20_000,
        what: `${name} to be ready`,
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
    token,
    grpc: `127.0.0.1:${grpcPort}`,
    httpPort,
    grpcPort,
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

const shiftClock = new URL("shift-clock.ts", import.meta.url).href;

/** A server whose wall clock is wrong by this much; that of its store isn't. */
export function withClockOff(shiftMs: number): ServerOptions {
  return { settings: { FLEETWIRE_TEST_CLOCK_SHIFT_MS: String(shiftMs) }, nodeArgs: [`--import=${shiftClock}`] };
}
