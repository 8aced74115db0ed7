import { dirname, join } from "node:path";
import { freePort } from "../free-port.ts";
import { startProcess } from "../process/process.ts";
import { waitUntilReady } from "../process/ready.ts";
import { type Server, startServer } from "../process/server.ts";
import { removeTempDir, tempDir } from "../temp-dir.ts";
import { type Alarms, createAlarms } from "./alarms.ts";
import { rabbitmqBinary } from "./binary.ts";
import type { Listeners } from "./configuration.ts";
import { prepareFolder } from "./folder.ts";
import { greets } from "./handshake.ts";
import { createManagement, type Management } from "./management.ts";

export interface TlsOptions {
  /** PEM texts: whom clients' certificates have to come from, the server's certificate and its key. */
  ca: string;
  cert: string;
  key: string;
  /** Clients have to show a certificate, and may log in as its common name (EXTERNAL); default false. */
  verifyPeer?: boolean;
}

/** A RabbitMQ broker, or a node of a cluster, of this test process alone, on 127.0.0.1. */
export interface TestRabbitMQ extends Server, Management, Alarms {
  readonly host: string;
  readonly port: number;
  /** Undefined where there is no `tls`. */
  readonly tlsPort: number | undefined;
  /** `http://127.0.0.1:PORT`. */
  readonly managementUrl: string;
  /** An administrator, and the password. */
  readonly user: string;
  readonly password: string;
  /** As Erlang has it: `rabbit@localhost`. */
  readonly nodeName: string;
  /** Such as `3.10.8`. */
  readonly version: string;
  /** `amqp://USER:PASSWORD@127.0.0.1:PORT/VHOST`; without a vhost that of the default one, `/`. */
  url(vhost?: string): string;
  /**
   * Runs rabbitmqctl for this node (up to 2 s) and gives what it wrote to its standard output.
   * @throws Error with its words when it fails or takes more than 60 s.
   */
  ctl(...args: string[]): Promise<string>;
  /** Ends it and removes its folder. */
  close(): Promise<void>;
}

/** What makes a node. */
export interface NodeOptions {
  nodeName: string;
  distributionPort: number;
  epmdPort: number;
  /** The secret of a cluster's nodes. */
  cookie: string;
  user: string;
  password: string;
  tls?: TlsOptions | undefined;
  settings?: Record<string, string> | undefined;
  /** For the Erlang machine. */
  erlangArgs?: readonly string[];
  /** What else goes with it when it is closed. */
  onClose?: () => Promise<void>;
}

const host = "127.0.0.1";
const startDeadlineMs = 90_000;
const stopDeadlineMs = 60_000;
const ctlDeadlineMs = 60_000;

/**
 * Starts a node with a folder of its own; resolves when its management API answers and AMQP clients are greeted.
 *
 * @throws Error that says what to install; or with its last lines when it can't be started.
 */
export async function startNode(options: NodeOptions): Promise<TestRabbitMQ> {
  const { nodeName, user, password, tls } = options;
  const command = await rabbitmqBinary();
  const folder = tempDir("rabbitmq");
  const [port, managementPort] = [await freePort(), await freePort()];
  const tlsPort = tls === undefined ? undefined : await freePort();
  const listeners: Listeners = { host, port, managementPort, tlsPort };
  const env = prepareFolder(folder, options, listeners);

  const managementUrl = `http://${host}:${managementPort}`;
  const url = (vhost = "/") => `amqp://${user}:${password}@${host}:${port}/${encodeURIComponent(vhost)}`;
  const management = createManagement({ managementUrl, user, password, url });
  const ctl = async (...args: string[]) => {
    const name = `rabbitmqctl ${args.join(" ")}`;
    const run = startProcess({ name, command: join(dirname(command), "rabbitmqctl"), args, env, cwd: folder });
    const deadline = setTimeout(() => void run.kill9Group(), ctlDeadlineMs);
    const { code } = await run.exited;
    clearTimeout(deadline);
    if (code !== 0) throw new Error(`${name}: ${run.output.join("\n")}`);
    return run.stdout.join("\n");
  };

  let version = "";
  const isReady = async () => {
    version = ((await management.api("GET", "/api/overview")) as { rabbitmq_version: string }).rabbitmq_version;
    if (!(await greets(host, port))) return false;
    // It listens a little before its start is complete; this node may never get a vhost that is made in between.
    await ctl("await_startup");
    return true;
  };
  const spawn = async () => {
    const server = startProcess({ name: nodeName, command, env, cwd: folder });
    const what = "an answer to the management API and to AMQP";
    // The reason comes early: dozens of lines of Erlang's own reports follow it.
    const errorLines = 100;
    await waitUntilReady(server, isReady, { deadlineMs: startDeadlineMs, intervalMs: 50, what, errorLines });
    return server;
  };
  let server: Server;
  try {
    server = await startServer({ spawn, stopDeadlineMs });
  } catch (error) {
    removeTempDir(folder);
    throw error;
  }

  // The lifecycle's own object: its pid and log change.
  return Object.assign(server, management, createAlarms(ctl), {
    host,
    port,
    tlsPort,
    managementUrl,
    user,
    password,
    nodeName,
    version,
    url,
    ctl,
    close: async () => {
      await server.kill9();
      removeTempDir(folder);
      await options.onClose?.();
    },
  });
}
