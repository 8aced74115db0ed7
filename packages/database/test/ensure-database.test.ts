import { startPostgres, type TestPostgres } from "@fleetwire/testbed";
import { PrismaPg } from "@prisma/adapter-pg";
import { afterAll, beforeAll, expect, test } from "vitest";
import { ensureDatabase, openDatabase, prismaAdapter } from "../src/index.ts";
import { silentLog } from "../src/log.ts";

let server: TestPostgres;

beforeAll(async () => {
  server = await startPostgres();
});
afterAll(async () => {
  await server.close();
});

async function openedName(url: string): Promise<unknown> {
  const database = await openDatabase({ url, applicationName: "ensure", log: silentLog });
  const [row] = await database.query<{ name: string }>("SELECT current_database() AS name");
  await database.close();
  return row?.name;
}

test("a missing database is created, an existing one is kept, and odd names work", async () => {
  const url = await ensureDatabase(server.url, "fleetwire_command_server");
  const database = await openDatabase({ url, applicationName: "ensure", log: silentLog });
  await database.query("CREATE TABLE kept (id int)");
  await database.close();
  expect(await ensureDatabase(server.url, "fleetwire_command_server")).toBe(url);
  const again = await openDatabase({ url, applicationName: "ensure", log: silentLog });
  expect(await again.query("SELECT * FROM kept")).toEqual([]);
  await again.close();
  expect(await openedName(await ensureDatabase(server.url, `odd "name" é`))).toBe(`odd "name" é`);
  await expect(ensureDatabase(server.url, "a/b")).rejects.toThrow("can't have /");
});

test("many callers at once all get the database", async () => {
  const urls = await Promise.all(Array.from({ length: 8 }, () => ensureDatabase(server.url, "fleetwire_race")));
  expect(new Set(urls).size).toBe(1);
  expect(await openedName(urls[0] ?? "")).toBe("fleetwire_race");
});

test("a role that may not create databases can use one that is there, and is told when it isn't", async () => {
  const url = await ensureDatabase(server.url, "fleetwire_theirs");
  const admin = await openDatabase({ url, applicationName: "ensure", log: silentLog });
  await admin.query("CREATE ROLE plain LOGIN PASSWORD 'plain-one'");
  await admin.close();
  const theirs = new URL(server.url);
  theirs.username = "plain";
  theirs.password = "plain-one";
  expect(await openedName(await ensureDatabase(theirs.href, "fleetwire_theirs"))).toBe("fleetwire_theirs");
  await expect(ensureDatabase(theirs.href, "fleetwire_new")).rejects.toMatchObject({ code: "42501" });
});

test("Prisma's adapter works on the pool and leaves it open", async () => {
  const url = await ensureDatabase(server.url, "fleetwire_prisma");
  const database = await openDatabase({ url, applicationName: "ensure", log: silentLog });
  const factory = prismaAdapter(database);
  expect(factory).toBeInstanceOf(PrismaPg);
  const adapter = await factory.connect();
  const argTypes = [{ scalarType: "bigint" as const, arity: "scalar" as const }];
  const answer = await adapter.queryRaw({ sql: "SELECT $1::int8 AS big", args: ["42"], argTypes });
  expect(answer.rows).toEqual([["42"]]);
  await adapter.dispose();
  expect(await database.query("SELECT 1 AS one")).toEqual([{ one: 1 }]);
  await database.close();
});
