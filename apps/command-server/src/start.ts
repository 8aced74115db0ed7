import { fileURLToPath } from "node:url";
import { ensureDatabase, migrate, openDatabase, openEmbeddedPostgres, resolveDatabaseUrl } from "@fleetwire/database";
import {
  createHealth,
  createMetrics,
  createTokenFileVerifier,
  systemClock,
  type Clock,
  type Lifecycle,
  type Logger,
} from "@fleetwire/service";
import type { Registry } from "prom-client";
import { v7 as uuidv7 } from "uuid";
import type { CommandServerSettings } from "./config.ts";
import { ensureOperatorToken, tokenFileIn } from "./home.ts";
import { createCommandServer, type CommandServer } from "./service.ts";
import type { CommandStore } from "./store/command-store.ts";
import { createPostgresStore } from "./store/postgres-store.ts";
import { readTls, refuseClearText, type TlsMaterial } from "./tls.ts";

export interface StartOptions {
  settings: CommandServerSettings;
  log: Logger;
  /** Everything that is opened here is closed by it, in reverse order. */
  lifecycle: Lifecycle;
  clock?: Clock;
}

export interface RunningCommandServer {
  server: CommandServer;
  store: CommandStore;
  metrics: Registry;
  httpUrl: string;
  grpcAddress: string;
  /** An operator's token for the home's own token file; null where AUTH_TOKEN_FILE names another. */
  operatorToken: string | null;
}

/** Opens what the settings name, from the database upwards, and listens. For main.ts and for whoever runs services together. */
export async function startCommandServer(options: StartOptions): Promise<RunningCommandServer> {
  const { settings, log, lifecycle, clock = systemClock } = options;
  if (settings.store !== "postgres") {
    throw new Error(
      `COMMAND_STORE=${settings.store}: not in this version; set COMMAND_STORE=postgres or leave it out.`,
    );
  }
  const tls = await openTls(settings);
  const metrics = createMetrics({ service: "command-server" });
  const serverId = uuidv7();

  const operatorToken = settings.authTokenFile === undefined ? await ensureOperatorToken(settings.home) : null;
  const verifier = await createTokenFileVerifier({ path: settings.authTokenFile ?? tokenFileIn(settings.home), log });
  lifecycle.onStop("token verifier", () => verifier.close());

  const database = await openDatabase({
    url: await databaseUrl(settings, log, lifecycle),
    applicationName: "fleetwire command-server",
    maxConnections: settings.databaseConnections,
    log,
    metrics,
  });
  lifecycle.onStop("database", () => database.close());
  await migrate({ database, directory: migrations, log });

  const store = await createPostgresStore({
    database,
    serverId,
    log,
    settings: {
      recordTtlMs: settings.recordTtl,
      defaultExpiryMs: settings.defaultExpiry,
      outputHeadBytes: settings.outputHead,
      outputTailBytes: settings.outputTail,
      wakeUp: settings.wakeup,
    },
  });
  lifecycle.onStop("store", () => store.close());

  const health = createHealth();
  const server = await createCommandServer({ store, log, metrics, health, clock, verifier, settings, serverId, tls });
  lifecycle.onStop("command-server", () => server.stop());
  const { httpUrl, grpcAddress } = await server.listen();
  return { server, store, metrics, httpUrl, grpcAddress, operatorToken };
}

// Beside src/ and dist/ alike.
const migrations = fileURLToPath(new URL("../prisma/migrations", import.meta.url));

async function openTls(settings: CommandServerSettings): Promise<TlsMaterial | null> {
  const { tlsCert: cert, tlsKey: key, tlsCa: ca } = settings;
  if ((cert === undefined) !== (key === undefined) || (ca !== undefined && cert === undefined)) {
    throw new Error(
      "COMMAND_SERVER_TLS_CERT and COMMAND_SERVER_TLS_KEY belong together; COMMAND_SERVER_TLS_CA needs both.",
    );
  }
  const hosts = [
    { setting: "COMMAND_SERVER_HOST", host: settings.host },
    { setting: "COMMAND_SERVER_GRPC_HOST", host: settings.grpcHost },
  ];
  refuseClearText(hosts, cert !== undefined);
  return cert === undefined || key === undefined ? null : readTls({ cert, key, ca });
}

/** The URL of this service's database: on the server that is named, else on the embedded one under the home. */
async function databaseUrl(settings: CommandServerSettings, log: Logger, lifecycle: Lifecycle): Promise<string> {
  const target = resolveDatabaseUrl({
    service: "command-server",
    databaseUrl: settings.databaseServerUrl,
    serviceDatabaseUrl: settings.databaseUrl,
    host: settings.databaseHost,
    port: settings.databasePort,
    user: settings.databaseUser,
    password: settings.databasePassword,
    name: settings.databaseName,
  });
  if (target.kind === "database") return target.url;
  if (target.kind === "server") return ensureDatabase(target.url, target.database, { log });
  const opening = openEmbeddedPostgres({ home: settings.home, log });
  // Before it is open: a stop that comes meanwhile must not leave it running.
  lifecycle.onStop("embedded PostgreSQL", async () => (await opening.catch(() => null))?.close());
  const embedded = await opening;
  return ensureDatabase(embedded.url, target.database, { log });
}
