import { existsSync } from "node:fs";
import { Client } from "pg";
import { afterAll, afterEach, beforeAll, expect, test } from "vitest";
import { eventually, startPostgres, type TestPostgres } from "../src/index.ts";

let postgres: TestPostgres;
const clients: Client[] = [];

beforeAll(async () => {
  postgres = await startPostgres({ maxConnections: 20 });
});
afterEach(async () => {
  await Promise.all(clients.splice(0).map((client) => client.end().catch(() => {})));
});
afterAll(() => postgres.close());

async function connect(url: string): Promise<Client> {
  const client = new Client({ connectionString: url, connectionTimeoutMillis: 5_000 });
  client.on("error", () => {});
  clients.push(client);
  await client.connect();
  return client;
}

async function isAnswering(url: string): Promise<boolean> {
  const { rows } = await (await connect(url)).query("SELECT 1");
  return rows.length === 1;
}

/** A database with `rows` committed rows; the connection is open, in a transaction with one more. */
async function withRows(rows: number): Promise<{ url: string; client: Client }> {
  const url = await postgres.createDatabase();
  const client = await connect(url);
  await client.query("CREATE TABLE kept (id int PRIMARY KEY)");
  for (let id = 0; id < rows; id++) await client.query("INSERT INTO kept VALUES ($1)", [id]);
  await client.query("BEGIN");
  await client.query("INSERT INTO kept VALUES (-1)");
  return { url, client };
}

async function readRows(url: string): Promise<number[]> {
  const client = await connect(url);
  const { rows } = await client.query<{ id: number }>("SELECT id FROM kept ORDER BY id");
  return rows.map((row) => row.id);
}

test("asks for its password, listens on loopback and syncs its writes", async () => {
  const wrong = new URL(postgres.url);
  wrong.password = "wrong";
  await expect(connect(wrong.href)).rejects.toThrow(/password authentication failed/);

  const client = await connect(postgres.url);
  const setting = async (name: string) =>
    (await client.query<{ value: string }>("SELECT current_setting($1) AS value", [name])).rows[0]?.value;
  expect(await setting("listen_addresses")).toBe("127.0.0.1");
  expect(await setting("fsync")).toBe("on");
  expect(await setting("max_connections")).toBe("20");
});

test("each database is empty and has a URL of its own", async () => {
  const [one, two] = [await postgres.createDatabase(), await postgres.createDatabase('odd "name" é')];
  await (await connect(one)).query("CREATE TABLE only_here ()");
  const other = await connect(two);
  const { rows } = await other.query("SELECT current_database() AS name, to_regclass('only_here') AS missing");
  expect(rows).toEqual([{ name: 'odd "name" é', missing: null }]);
});

test("a kill -9 ends every backend, and a new start has every committed row and no other", async () => {
  const { url, client } = await withRows(20);
  const ended = new Promise((resolve) => client.once("end", resolve));
  const { pid } = postgres;

  await postgres.kill9();
  await ended;
  await expect(connect(url)).rejects.toThrow(/ECONNREFUSED/);

  await postgres.start();
  expect(postgres.pid).not.toBe(pid);
  expect(postgres.log.join("\n")).toMatch(/was not properly shut down/);
  expect(await readRows(url)).toEqual(Array.from({ length: 20 }, (_, id) => id));
});

test("a restart keeps address and committed rows, and disconnects clients", async () => {
  const { url, client } = await withRows(3);
  const ended = new Promise((resolve) => client.once("end", resolve));
  await postgres.restart();
  await ended;
  expect(postgres.log.join("\n")).toMatch(/was shut down at/);
  expect(await readRows(url)).toEqual([0, 1, 2]);
});

test("a paused server keeps its connections and answers when it goes on", async () => {
  const client = await connect(postgres.url);
  await postgres.pause();
  let answered = false;
  const answer = client.query("SELECT 1 AS one").then((result) => {
    answered = true;
    return result.rows;
  });
  await expect(eventually(() => answered, { deadlineMs: 200 })).rejects.toThrow(/not within/);
  await postgres.resume();
  expect(await answer).toEqual([{ one: 1 }]);
});

test("a paused server can be killed and closed", async () => {
  const url = await postgres.createDatabase();
  await postgres.pause();
  await postgres.kill9();
  await postgres.start();
  expect(await isAnswering(url)).toBe(true);
});

test("an order that has nothing to do does nothing", async () => {
  const { pid } = postgres;
  await postgres.start();
  await postgres.resume();
  expect(postgres.pid).toBe(pid);
  await postgres.stop();
  await postgres.stop();
  await postgres.kill9();
  await postgres.pause();
  await postgres.start();
  expect(await isAnswering(postgres.url)).toBe(true);
});

test("a server that can't start says why", async () => {
  await expect(startPostgres({ settings: { shared_buffers: "nonsense" } })).rejects.toThrow(
    /invalid value for parameter "shared_buffers"/,
  );
});

test("close removes its folder", async () => {
  const own = await startPostgres();
  const client = await connect(own.url);
  const { rows } = await client.query<{ folder: string }>("SELECT current_setting('data_directory') AS folder");
  const folder = rows[0]?.folder ?? "";
  expect(existsSync(folder)).toBe(true);
  await own.close();
  expect(existsSync(folder)).toBe(false);
});
