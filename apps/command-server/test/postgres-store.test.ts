import { randomUUID } from "node:crypto";
import { afterAll, beforeAll } from "vitest";
import { migrate, openDatabase, type Database } from "@fleetwire/database";
import { createLogger } from "@fleetwire/service";
import { startPostgres, type TestPostgres } from "@fleetwire/testbed";
import type { CommandStore } from "../src/store/command-store.ts";
import { createPostgresStore, migrationsDirectory } from "../src/store/postgres-store.ts";
import type { StoreSettings } from "../src/store/settings.ts";
import { describeCommandStore, describeRolloutsOnStore } from "./command-store-conformance.ts";
import type { BreakableStore, StoreUnderTest } from "./command-store/fixture.ts";

const log = createLogger({ service: "postgres-store-test", level: "silent" });
let shared: TestPostgres;

beforeAll(async () => {
  // Nothing here survives a crash, and nothing has to: those who test that start a server of their own.
  shared = await startPostgres({ maxConnections: 100, settings: { fsync: "off" } });
});
afterAll(() => shared.close());

async function openOn(postgres: TestPostgres, settings: Partial<StoreSettings> = {}): Promise<StoreUnderTest> {
  const url = await postgres.createDatabase();
  const databases: Database[] = [];
  const stores: CommandStore[] = [];
  const connect = async (serverId: string): Promise<CommandStore> => {
    const database = await openDatabase({ url, applicationName: "store-test", maxConnections: 5, log });
    databases.push(database);
    await migrate({ database, directory: migrationsDirectory, log });
    const store = await createPostgresStore({ database, serverId, log, settings });
    stores.push(store);
    return store;
  };
  const serverId = randomUUID();
  return {
    serverId,
    store: await connect(serverId),
    openSecond: connect,
    close: async () => {
      for (const store of stores) await store.close();
      for (const database of databases) await database.close();
    },
  };
}

async function openBreakable(settings?: Partial<StoreSettings>): Promise<BreakableStore> {
  const own = await startPostgres();
  const under = await openOn(own, settings);
  return {
    ...under,
    break: () => own.kill9(),
    mend: () => own.start(),
    close: async () => {
      await under.close();
      await own.close();
    },
  };
}

describeCommandStore("PostgreSQL", (settings) => openOn(shared, settings), openBreakable);
describeRolloutsOnStore("PostgreSQL", (settings) => openOn(shared, settings));
