import { eventually, startPostgres, type TestPostgres } from "@fleetwire/testbed";
import { Registry } from "prom-client";
import { afterAll, afterEach, beforeAll, expect, test } from "vitest";
import {
  isConnectionError,
  isSerializationError,
  openDatabase,
  type Database,
  type DatabaseLog,
} from "../src/index.ts";
import { silentLog } from "../src/log.ts";

let server: TestPostgres;
const opened: Database[] = [];

beforeAll(async () => {
  server = await startPostgres({ maxConnections: 20 });
});
afterEach(async () => {
  await Promise.all(opened.splice(0).map((database) => database.close()));
});
afterAll(async () => {
  await server.close();
});

type Overrides = Partial<Parameters<typeof openDatabase>[0]>;

async function open(overrides: Overrides = {}): Promise<Database> {
  const url = overrides.url ?? (await server.createDatabase());
  const database = await openDatabase({ applicationName: "database test", log: silentLog, ...overrides, url });
  opened.push(database);
  return database;
}

async function failureOf(work: Promise<unknown>): Promise<unknown> {
  return work.then(
    () => null,
    (error: unknown) => error,
  );
}

test("statements take values and names, and give rows with bigints as numbers", async () => {
  const database = await open();
  const statement = { name: "sum", text: "SELECT $1::bigint + 1 AS sum, ARRAY[$1::bigint] AS list", values: [41] };
  expect(await database.query(statement)).toEqual([{ sum: 42, list: [41] }]);
  expect(await database.query(statement)).toEqual([{ sum: 42, list: [41] }]);
  await expect(database.query("SELECT 9007199254740993 AS big")).rejects.toThrow("select it as text");
  expect(await database.query("SELECT current_setting('application_name') AS name")).toEqual([
    { name: "database test" },
  ]);
});

test("a failing statement rejects with PostgreSQL's error and keeps its connection", async () => {
  const database = await open({ maxConnections: 1 });
  const [before] = await database.query("SELECT pg_backend_pid() AS pid");
  await expect(database.query("SELECT nothing")).rejects.toMatchObject({ code: "42703" });
  expect(await database.query("SELECT pg_backend_pid() AS pid")).toEqual([before]);
});

test("a transaction commits as one, and leaves nothing when its work rejects", async () => {
  const database = await open();
  await database.query("CREATE TABLE note (body text)");
  expect(
    await database.transaction(async (client) => {
      await client.query("INSERT INTO note VALUES ('kept')");
      return "result";
    }),
  ).toBe("result");
  const failing = database.transaction(async (client) => {
    await client.query("INSERT INTO note VALUES ('undone')");
    throw new Error("changed my mind");
  });
  await expect(failing).rejects.toThrow("changed my mind");
  expect(await database.query("SELECT body FROM note")).toEqual([{ body: "kept" }]);
});

test("a transaction whose work swallowed a failure rejects instead of pretending to have committed", async () => {
  const database = await open();
  const swallowing = database.transaction(async (client) => {
    await client.query("SELECT nothing").catch(() => {});
  });
  await expect(swallowing).rejects.toThrow("was rolled back");
});

test("of two serializable transactions in conflict one rejects with a serialization error", async () => {
  const database = await open();
  await database.query("CREATE TABLE account (owner text, amount int)");
  await database.query("INSERT INTO account VALUES ('a', 100), ('b', 100)");
  const bothHaveRead = Promise.withResolvers<void>();
  let readers = 0;
  const withdraw = (owner: string): Promise<void> =>
    database.transaction(
      async (client) => {
        await client.query("SELECT sum(amount) FROM account");
        readers += 1;
        if (readers === 2) bothHaveRead.resolve();
        await bothHaveRead.promise;
        await client.query("UPDATE account SET amount = amount - 150 WHERE owner = $1", [owner]);
      },
      { isolation: "serializable" },
    );
  const failures = await Promise.all([failureOf(withdraw("a")), failureOf(withdraw("b"))]);
  const lost = failures.filter((failure) => failure !== null);
  expect(lost.map(isSerializationError)).toEqual([true]);
});

test("the pool survives restarts and kill -9 of the server, idle connections and statements under way alike", async () => {
  const database = await open();
  for (const fault of [() => server.restart(), () => server.kill9().then(() => server.start())]) {
    const idle = database.query("SELECT 1");
    await idle;
    const underWay = failureOf(database.query("SELECT pg_sleep(60)"));
    await eventually(
      async () => (await database.query("SELECT 1 FROM pg_stat_activity WHERE query = 'SELECT pg_sleep(60)'")).length,
      { deadlineMs: 5_000 },
    );
    await fault();
    expect(isConnectionError(await underWay)).toBe(true);
    await eventually(async () => (await database.query("SELECT 1")).length, { deadlineMs: 5_000 });
  }
});

test("while the server is down statements reject as connection errors", async () => {
  const database = await open();
  await server.stop();
  try {
    expect(isConnectionError(await failureOf(database.query("SELECT 1")))).toBe(true);
    expect(isConnectionError(await failureOf(database.transaction(() => Promise.resolve())))).toBe(true);
    expect(isConnectionError(await failureOf(database.ping()))).toBe(true);
  } finally {
    await server.start();
  }
  await database.ping();
});

test("ping rejects within two seconds and a bit when the server is frozen", async () => {
  const database = await open();
  await database.ping();
  await server.pause();
  try {
    const begun = performance.now();
    expect(isConnectionError(await failureOf(database.ping()))).toBe(true);
    expect(performance.now() - begun).toBeLessThan(3_000);
  } finally {
    await server.resume();
  }
  await database.ping();
});

test("a statement past its timeout is cancelled by the server", async () => {
  const database = await open({ statementTimeoutMs: 200 });
  await expect(database.query("SELECT pg_sleep(60)")).rejects.toMatchObject({ code: "57014" });
});

test("opening waits for a server that is on its way", async () => {
  const url = await server.createDatabase();
  await server.stop();
  const warnings: string[] = [];
  const log: DatabaseLog = { ...silentLog, warn: (_fields, message) => void warnings.push(message) };
  const opening = open({ url, log });
  await eventually(() => warnings.length > 0, { deadlineMs: 5_000, what: "a warning that the server is out of reach" });
  await server.start();
  expect(await (await opening).query("SELECT 1 AS one")).toEqual([{ one: 1 }]);
});

test("opening gives up naming the server, and at once when the server says no", async () => {
  await expect(open({ url: "postgresql://u:s3cret@127.0.0.1:1/d", waitMs: 100 })).rejects.toThrow(
    /^no connection to PostgreSQL at 127\.0\.0\.1:1\/d within 0\.1 s: .*ECONNREFUSED/,
  );
  const wrong = new URL(server.url);
  wrong.password = "wrong";
  await expect(open({ url: wrong.href })).rejects.toMatchObject({ code: "28P01" });
});

test("a pool larger than the server allows is reduced, with a warning", async () => {
  const warnings: object[] = [];
  const log: DatabaseLog = { ...silentLog, warn: (fields) => void warnings.push(fields) };
  const database = await open({ maxConnections: 500, log });
  // 20 less the 3 that PostgreSQL reserves for superusers
  expect(database.pool.options.max).toBe(17);
  expect(warnings).toEqual([expect.objectContaining({ wanted: 500, available: 17 })]);
});

test("pools of one registry are counted together, and failures by kind", async () => {
  const metrics = new Registry();
  const [one] = await Promise.all([open({ metrics }), open({ metrics })]);
  await failureOf(one.query("SELECT nothing"));
  const client = await one.pool.connect();
  const exposed = await metrics.metrics();
  client.release();
  expect(exposed).toContain('db_pool_connections{state="active"} 1\n');
  expect(exposed).toContain('db_pool_connections{state="idle"} 1\n');
  expect(exposed).toContain('db_query_errors_total{kind="other"} 1\n');
});
