import { mkdirSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { startPostgres } from "@fleetwire/testbed";
import { expect, onTestFinished, test } from "vitest";
import {
  ensureDatabase,
  migrate,
  openDatabase,
  openEmbeddedPostgres,
  resolveDatabaseUrl,
  type DatabaseLog,
  type EmbeddedPostgres,
} from "../src/index.ts";
import { silentLog } from "../src/log.ts";
import { useEmbeddedHomes } from "./embedded-home.ts";

const homes = useEmbeddedHomes();

/** The README's example. */
async function example(databaseUrl: string, home: string, directory: string, log: DatabaseLog): Promise<unknown> {
  const target = resolveDatabaseUrl({ service: "command-server", databaseUrl });
  let embedded: EmbeddedPostgres | undefined;
  let url: string;
  if (target.kind === "embedded") {
    embedded = await openEmbeddedPostgres({ home, log });
    url = await ensureDatabase(embedded.url, target.database);
  } else {
    url = target.kind === "server" ? await ensureDatabase(target.url, target.database) : target.url;
  }

  const database = await openDatabase({ url, applicationName: "command-server", log });
  await migrate({ database, directory, log });
  const rows = await database.query({ text: "SELECT body FROM note WHERE id = $1", values: [1] });

  await database.close();
  await embedded?.close();
  return rows;
}

test("the README's example runs the same on the embedded server and on one that DATABASE_URL names", async () => {
  const home = homes.home("home");
  const directory = join(home, "migrations");
  mkdirSync(join(directory, "1_init"), { recursive: true });
  const sql = "CREATE TABLE note (id int PRIMARY KEY, body text); INSERT INTO note VALUES (1, 'first');";
  writeFileSync(join(directory, "1_init", "migration.sql"), sql);
  const server = await startPostgres();
  onTestFinished(() => server.close());

  expect(await example("", home, directory, silentLog)).toEqual([{ body: "first" }]);
  expect(await example(server.url, home, directory, silentLog)).toEqual([{ body: "first" }]);
});
