import { eventually, startPostgres, type TestPostgres } from "@fleetwire/testbed";
import { afterAll, afterEach, beforeAll, beforeEach, expect, test } from "vitest";
import { openDatabase, type Database, type Listener, type ListenOptions, type Notification } from "../src/index.ts";
import { silentLog } from "../src/log.ts";

let server: TestPostgres;
let database: Database;
let listener: Listener | null = null;
let heard: Notification[] = [];

beforeAll(async () => {
  server = await startPostgres();
});
beforeEach(async () => {
  heard = [];
  database = await openDatabase({ url: await server.createDatabase(), applicationName: "listen", log: silentLog });
});
afterEach(async () => {
  await listener?.close();
  await database.close();
});
afterAll(async () => {
  await server.close();
});

async function listen(channels: string[], options: ListenOptions = {}): Promise<Listener> {
  listener = await database.listen(channels, (notification) => heard.push(notification), options);
  return listener;
}

test("notifications of each channel arrive, whatever its name", async () => {
  await listen(["Fleet-1", `say "hi"`]);
  await database.query(`SELECT pg_notify('Fleet-1', 'one')`);
  await database.query(`SELECT pg_notify('say "hi"', '')`);
  await database.query(`SELECT pg_notify('other', 'not for us')`);
  await eventually(() => heard.length === 2, { deadlineMs: 5_000 });
  expect(heard).toEqual([
    { channel: "Fleet-1", payload: "one" },
    { channel: `say "hi"`, payload: "" },
  ]);
});

test("after a restart and a kill -9 of the server it listens again, and says each time that it does", async () => {
  let connects = 0;
  const self = await listen(["news"], { onConnect: () => (connects += 1) });
  expect([connects, self.connected]).toEqual([1, true]);
  await server.restart();
  await eventually(() => connects === 2 && self.connected, { deadlineMs: 10_000, what: "listening again" });
  await server.kill9();
  await eventually(() => !self.connected, { deadlineMs: 5_000, what: "the loss noticed" });
  await server.start();
  await eventually(() => connects === 3, { deadlineMs: 10_000, what: "listening again" });
  await database.query("SELECT pg_notify('news', 'still here')");
  await eventually(() => heard.length === 1, { deadlineMs: 5_000 });
});

test("a frozen server is noticed by the heartbeat, and listened to again when it thaws", async () => {
  let connects = 0;
  const self = await listen(["news"], { heartbeatMs: 200, onConnect: () => (connects += 1) });
  await server.pause();
  try {
    await eventually(() => !self.connected, { deadlineMs: 5_000, what: "the freeze noticed" });
  } finally {
    await server.resume();
  }
  await eventually(() => connects >= 2 && self.connected, { deadlineMs: 15_000, what: "listening again" });
  expect(self.connected).toBe(true);
});

test("a handler that throws doesn't end the listening", async () => {
  const seen: string[] = [];
  listener = await database.listen(["news"], ({ payload }) => {
    seen.push(payload);
    throw new Error("bad handler");
  });
  await database.query("SELECT pg_notify('news', '1')");
  await database.query("SELECT pg_notify('news', '2')");
  await eventually(() => seen.length === 2, { deadlineMs: 5_000 });
  expect(seen).toEqual(["1", "2"]);
});

test("close ends its connection", async () => {
  const self = await listen(["news"]);
  const count = `SELECT count(*) AS open FROM pg_stat_activity WHERE query LIKE 'LISTEN%'`;
  expect(await database.query(count)).toEqual([{ open: 1 }]);
  await self.close();
  expect(self.connected).toBe(false);
  await eventually(async () => (await database.query<{ open: number }>(count))[0]?.open === 0, { deadlineMs: 5_000 });
});
