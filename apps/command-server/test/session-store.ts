import { randomUUID } from "node:crypto";
import { migrate, openDatabase, type Database } from "@fleetwire/database";
import { createLogger } from "@fleetwire/service";
import { startPostgres, type TestPostgres } from "@fleetwire/testbed";
import type { CommandStore } from "../src/store/command-store.ts";
import { createPostgresStore, migrationsDirectory } from "../src/store/postgres-store.ts";
import type { StoreSettings } from "../src/store/settings.ts";

const log = createLogger({ service: "test", level: "silent" });

/** A PostgreSQL server of one test file, with stores on a database of its own. */
export interface StoreBed {
  postgres: TestPostgres;
  database: Database;
  /** The store as another server process would open it. */
  open(settings?: Partial<StoreSettings>): Promise<{ store: CommandStore; serverId: string }>;
  close(): Promise<void>;
}

export async function startStoreBed(): Promise<StoreBed> {
  const postgres = await startPostgres();
  const url = await postgres.createDatabase();
  const database = await openDatabase({ url, applicationName: "sessions", log, connectTimeoutMs: 1_000 });
  await migrate({ database, directory: migrationsDirectory, log });
  const stores: CommandStore[] = [];

  async function open(settings: Partial<StoreSettings> = {}): Promise<{ store: CommandStore; serverId: string }> {
    const serverId = randomUUID();
    const store = await createPostgresStore({ database, serverId, log, settings });
    stores.push(store);
    return { store, serverId };
  }

  async function close(): Promise<void> {
    for (const store of stores) await store.close();
    await database.close();
    await postgres.close();
  }

  return { postgres, database, open, close };
}
