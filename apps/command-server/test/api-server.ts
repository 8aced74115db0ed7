import { createServer } from "node:net";
import { join } from "node:path";
import { Metadata, credentials } from "@grpc/grpc-js";
import { CommandService, type CommandServiceClient } from "@fleetwire/proto";
import { createLifecycle, createLogger, newToken, writeTokenFile, type Principal } from "@fleetwire/service";
import { removeTempDir, startPostgres, tempDir, type TestPostgres } from "@fleetwire/testbed";
import { loadCommandServerSettings } from "../src/config.ts";
import { startCommandServer, type RunningCommandServer } from "../src/start.ts";

/** Who the tests are. `acme` and `other` may do anything in their company, `reader` only reads acme's commands. */
const principals = {
  acme: { kind: "operator", id: "ann", companyId: "acme", scopes: ["*"] },
  other: { kind: "operator", id: "otto", companyId: "other", scopes: ["*"] },
  reader: { kind: "service", id: "report", companyId: "acme", scopes: ["commands:read"] },
} as const satisfies Record<string, Principal>;

export type Who = keyof typeof principals;

export interface Answer {
  status: number;
  headers: Headers;
  text: string;
  /** The body where it is a JSON object, else empty. */
  json: Record<string, unknown>;
}

export interface CallOptions {
  /** Null: without a token. Default acme. */
  as?: Who | null;
  body?: unknown;
  headers?: Record<string, string>;
}

/** A command-server of its own, on a PostgreSQL of its own, with real ports. */
export interface ApiServer {
  running: RunningCommandServer;
  postgres: TestPostgres;
  tokens: Record<Who, string>;
  /** Lines of the server's log. */
  log: string[];
  call(method: string, path: string, options?: CallOptions): Promise<Answer>;
  /** A request whose answer is read by the test. */
  open(path: string, options?: { as?: Who; headers?: Record<string, string>; signal?: AbortSignal }): Promise<Response>;
  grpc: CommandServiceClient;
  metadata(as?: Who): Metadata;
  close(): Promise<void>;
}

export async function startApiServer(env: Record<string, string> = {}): Promise<ApiServer> {
  const postgres = await startPostgres();
  const home = tempDir("api");
  const tokens = { acme: newToken(), other: newToken(), reader: newToken() };
  const tokenFile = join(home, "tokens.json");
  const names = Object.keys(principals) as Who[];
  await writeTokenFile(
    tokenFile,
    names.map((who) => ({ ...principals[who], token: tokens[who] })),
  );
  const settings = loadCommandServerSettings({
    env: {
      FLEETWIRE_HOME: home,
      AUTH_TOKEN_FILE: tokenFile,
      COMMAND_SERVER_DATABASE_URL: await postgres.createDatabase(),
      COMMAND_SERVER_PORT: "0",
      COMMAND_SERVER_GRPC_PORT: "0",
      COMMAND_SERVER_GO_AWAY: "100ms",
      ...env,
    },
  });
  const lines: string[] = [];
  const log = createLogger({
    service: "command-server",
    level: env["LOG_LEVEL"] ?? "warn",
    destination: { write: (line) => lines.push(line) },
  });
  const lifecycle = createLifecycle({ log });
  const running = await startCommandServer({ settings, log, lifecycle });
  const grpc = new CommandService(running.grpcAddress, credentials.createInsecure(), {
    "grpc.max_receive_message_length": 8 * 1024 * 1024,
  });

  return {
    running,
    postgres,
    tokens,
    log: lines,
    grpc,
    metadata(as = "acme") {
      const metadata = new Metadata();
      metadata.set("authorization", `Bearer ${tokens[as]}`);
      return metadata;
    },
    async call(method, path, options = {}) {
      const as = options.as === undefined ? "acme" : options.as;
      const response = await fetch(`${running.httpUrl}${path}`, {
        method,
        headers: {
          ...(as === null ? {} : { authorization: `Bearer ${tokens[as]}` }),
          ...(options.body === undefined ? {} : { "content-type": "application/json" }),
          ...options.headers,
        },
        ...(options.body === undefined
          ? {}
          : { body: typeof options.body === "string" ? options.body : JSON.stringify(options.body) }),
      });
      const text = await response.text();
      return { status: response.status, headers: response.headers, text, json: parse(text) };
    },
    open: (path, { as = "acme", headers = {}, signal } = {}) =>
      fetch(`${running.httpUrl}${path}`, {
        headers: { authorization: `Bearer ${tokens[as]}`, ...headers },
        ...(signal === undefined ? {} : { signal }),
      }),
    async close() {
      grpc.close();
      await lifecycle.stop("test over");
      await postgres.close();
      removeTempDir(home);
    },
  };
}

function parse(text: string): Record<string, unknown> {
  try {
    const value: unknown = JSON.parse(text);
    return typeof value === "object" && value !== null ? { ...value } : {};
  } catch {
    return {};
  }
}

/** Holds a port until it is let go. */
export async function takePort(): Promise<{ port: number; release: () => Promise<void> }> {
  const server = createServer();
  await new Promise<void>((resolve) => server.listen(0, "127.0.0.1", resolve));
  const address = server.address();
  if (address === null || typeof address === "string") throw new Error("no port");
  return { port: address.port, release: () => new Promise((resolve) => server.close(() => resolve())) };
}
