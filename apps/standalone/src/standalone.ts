import { loadCommandServerSettings, PortTakenError, startCommandServer, writeCliFile } from "@fleetwire/command-server";
import type { Lifecycle, Logger } from "@fleetwire/service";
import { withValkey } from "./config.ts";
import { startDemoAgent, type DemoAgent } from "./demo-agent.ts";
import { runFirstCommand, type RoundTrip } from "./first-command.ts";
import { createOperatorApi, type OperatorApi } from "./operator-api.ts";
import { findPortHolder } from "./port-holder.ts";
import { checkPorts } from "./ports.ts";
import { StartFailure } from "./start-failure.ts";
import { startPrivateValkey, type PrivateValkey } from "./valkey/valkey.ts";

export interface StandaloneOptions {
  home: string;
  port: number;
  grpcPort: number;
  store: "postgres" | "valkey";
  /** Null: none is started. */
  privateValkey: { program: string | null } | null;
  /** For the command-server: its settings as environment variables. */
  serverEnvironment: Record<string, string | undefined>;
  /** For the processes that are started. */
  childEnvironment: Record<string, string | undefined>;
  /** File descriptor that the agent writes to. */
  agentOutput: number;
  log: Logger;
  /** Everything that is started is ended by it, in reverse order. */
  lifecycle: Lifecycle;
}

export interface Standalone {
  httpUrl: string;
  grpcAddress: string;
  cliFile: string;
  /** Null: none was started. */
  valkey: PrivateValkey | null;
  agent: DemoAgent;
  /** Rejects when the first command doesn't come back, or the agent ends before it does. */
  firstCommand: (deadlineMs: number) => Promise<RoundTrip>;
}

const demoAgentId = "local";
const agentGraceMs = 10_000;
const valkeyGraceMs = 10_000;

/**
 * The command-server on an embedded database, and on a Valkey where that is its store, the credentials file, and an
 * agent. The caller holds the home's lock.
 * Throws StartFailure in words for a person, SettingsError, or whatever else went wrong.
 */
export async function startStandalone(options: StandaloneOptions): Promise<Standalone> {
  const { home, log, lifecycle } = options;
  await checkPorts([
    { name: "HTTP", variable: "COMMAND_SERVER_PORT", port: options.port },
    { name: "gRPC", variable: "COMMAND_SERVER_GRPC_PORT", port: options.grpcPort },
  ]);
  const valkey = await startValkeyFor(options);
  const settings = loadCommandServerSettings({
    env: valkey === null ? options.serverEnvironment : withValkey(options.serverEnvironment, valkey.url),
    argv: serverFlags(options),
  });
  const server = await startCommandServer({ settings, log, lifecycle }).catch(nameTakenPort);
  const { httpUrl, grpcAddress, operatorToken } = server;
  if (operatorToken === null) throw new Error("The command-server has no token for its operator.");

  const api = createOperatorApi(httpUrl, operatorToken);
  const cliFile = await writeCredentials({ home, httpUrl, grpcAddress, token: operatorToken }, api);
  const agent = await startDemoAgent({
    agentId: demoAgentId,
    home,
    grpcAddress,
    api,
    environment: options.childEnvironment,
    output: options.agentOutput,
    log,
  });
  lifecycle.onStop("demo agent", () => agent.stop(agentGraceMs));
  process.once("exit", () => agent.kill());

  return {
    httpUrl,
    grpcAddress,
    cliFile,
    valkey,
    agent,
    firstCommand: (deadlineMs) =>
      Promise.race([
        runFirstCommand(api, demoAgentId, deadlineMs),
        agent.ended.then((how) => Promise.reject(new Error(`${how} before the first command came back`))),
      ]),
  };
}

/** What is decided here; it goes before the environment. */
function serverFlags({ home, store, port, grpcPort }: StandaloneOptions): string[] {
  return ["--home", home, "--store", store, "--port", String(port), "--grpc-port", String(grpcPort)];
}

/** Ended after everything that uses it: it is started first. */
async function startValkeyFor({ home, privateValkey, ...options }: StandaloneOptions): Promise<PrivateValkey | null> {
  if (privateValkey === null) return null;
  const { childEnvironment, log, lifecycle } = options;
  const valkey = await startPrivateValkey({ home, program: privateValkey.program, environment: childEnvironment, log });
  lifecycle.onStop("valkey", () => valkey.stop(valkeyGraceMs));
  const complain = (how: string) => log.error(`${how}; start Fleetwire again to have it back`);
  void valkey.ended.then((how) => lifecycle.stopping.aborted || complain(how));
  return valkey;
}

/** The port was free when it was looked at, and isn't any more. */
async function nameTakenPort(error: unknown): Promise<never> {
  if (!(error instanceof PortTakenError)) throw error;
  const holder = await findPortHolder(error.port);
  throw new StartFailure(
    `port ${error.port} is taken by ${holder ? `process ${holder.pid}: ${holder.command}` : "another process"}`,
    `choose another: ${error.setting}=0 npm start (any free port)`,
    { cause: error },
  );
}

interface Credentials {
  home: string;
  httpUrl: string;
  grpcAddress: string;
  token: string;
}

/** Writes cli.json, with a new join token for the agents that its reader may start on this machine. */
async function writeCredentials({ home, httpUrl, grpcAddress, token }: Credentials, api: OperatorApi): Promise<string> {
  const joinToken = await api.createJoinToken({ uses: 100, ttlSeconds: 7 * 24 * 3600 });
  return writeCliFile(home, { urls: { commands: httpUrl, grpc: grpcAddress }, token, joinToken });
}
