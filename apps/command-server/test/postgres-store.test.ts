import { randomUUID } from "node:crypto";
import { afterAll, beforeAll } from "vitest";
import { migrate, openDatabase, type Database } from "@fleetwire/database";
import { createLogger } from "@fleetwire/service";
import { startPostgres, type TestPostgres } from "@fleetwire/testbed";
import type { CommandStore } from "../src/store/command-store.ts";
import { createPostgresStore, migrationsDirectory } from "../src/store/postgres-store.ts";
import type { StoreSettings } from "../src/store/settings.ts";
import { describeCommandStore } from "./command-store-conformance.ts";
import type { StoreUnderTest } from "./command-store/fixture.ts";

const log = createLogger({ service: "postgres-store-test", level: "silent" });
let postgres: TestPostgres;

beforeAll(async () => {
  postgres = await startPostgres({ maxConnections: 100 });
});
afterAll(() => postgres.close());

describeCommandStore("PostgreSQL", async (settings = {}): Promise<StoreUnderTest> => {
  const url = await postgres.createDatabase();
  const databases: Database[] = [];
  const stores: CommandStore[] = [];
  const connect = async (serverId: string, over: Partial<StoreSettings>): Promise<CommandStore> => {
    const database = await openDatabase({ url, applicationName: "store-test", maxConnections: 5, log });
    databases.push(database);
    await migrate({ database, directory: migrationsDirectory, log });
    const store = await createPostgresStore({ database, serverId, log, settings: over });
    stores.push(store);
    return store;
  };
  const serverId = randomUUID();
  return {
    serverId,
    store: await connect(serverId, settings),
    openSecond: (id) => connect(id, settings),
    break: () => postgres.kill9(),
    mend: () => postgres.start(),
    close: async () => {
      for (const store of stores) await store.close();
      for (const database of databases) await database.close();
    },
  };
});
