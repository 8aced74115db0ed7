import { ensureDatabase, migrate, openDatabase, openEmbeddedPostgres, resolveDatabaseUrl } from "@fleetwire/database";
import type { Clock, Lifecycle, Logger } from "@fleetwire/service";
import type { Registry } from "prom-client";
import type { CommandServerSettings } from "./config.ts";
import type { CommandStore } from "./store/command-store.ts";
import { createPostgresStore, migrationsDirectory } from "./store/postgres-store.ts";
import type { StoreSettings } from "./store/settings.ts";
import { valkeyTarget } from "./store/valkey/target-settings.ts";
import { createValkeyStore } from "./store/valkey-store.ts";

export interface OpenStoreOptions {
  settings: CommandServerSettings;
  serverId: string;
  log: Logger;
  metrics: Registry;
  clock: Clock;
  /** Everything that is opened here is closed by it, in reverse order. */
  lifecycle: Lifecycle;
}

/** The store that COMMAND_STORE names, where the settings say it is. */
export async function openStore(o: OpenStoreOptions): Promise<CommandStore> {
  const store = o.settings.store === "valkey" ? await openValkey(o) : await openPostgres(o);
  o.lifecycle.onStop("store", () => store.close());
  return store;
}

async function openValkey({ settings, serverId, log, metrics, clock }: OpenStoreOptions): Promise<CommandStore> {
  const target = await valkeyTarget(settings);
  return createValkeyStore({
    target,
    prefix: settings.valkeyKeyPrefix ?? "",
    serverId,
    log,
    metrics,
    clock,
    settings: storeSettings(settings),
    foreign: settings.valkeyForeignCommands
      ? {
          companyId: settings.valkeyForeignCompany,
          defaultTimeoutMs: settings.defaultTimeout,
          pollingIntervalMs: settings.pollingInterval,
        }
      : null,
  });
}

async function openPostgres(o: OpenStoreOptions): Promise<CommandStore> {
  const { settings, serverId, log, metrics, lifecycle } = o;
  const database = await openDatabase({
    url: await databaseUrl(settings, log, lifecycle),
    applicationName: "fleetwire command-server",
    maxConnections: settings.databaseConnections,
    log,
    metrics,
  });
  lifecycle.onStop("database", () => database.close());
  await migrate({ database, directory: migrationsDirectory, log });
  return createPostgresStore({ database, serverId, log, settings: storeSettings(settings) });
}

function storeSettings(settings: CommandServerSettings): Partial<StoreSettings> {
  return {
    recordTtlMs: settings.recordTtl,
    holderTimeoutMs: settings.lostAfter,
    defaultExpiryMs: settings.defaultExpiry,
    outputHeadBytes: settings.outputHead,
    outputTailBytes: settings.outputTail,
    wakeUp: settings.wakeup,
  };
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
