import { startPostgres, type TestPostgres } from "@fleetwire/testbed";
import { Pool, type PoolClient } from "pg";
import { afterAll, beforeAll, beforeEach, expect, test } from "vitest";
import { createInbox, inboxTable, type Inbox } from "../src/index.ts";

let postgres: TestPostgres;
let pool: Pool;
let inbox: Inbox<PoolClient>;

async function transaction<T>(work: (client: PoolClient) => Promise<T>): Promise<T> {
  const client = await pool.connect();
  try {
    await client.query("BEGIN");
    const result = await work(client);
    await client.query("COMMIT");
    return result;
  } catch (error) {
    await client.query("ROLLBACK");
    throw error;
  } finally {
    client.release();
  }
}

beforeAll(async () => {
  postgres = await startPostgres();
  pool = new Pool({ connectionString: postgres.url, max: 10 });
  pool.on("error", () => {}); // the server goes before the last of its idle connections
  await pool.query(inboxTable);
  await pool.query(inboxTable);
  await pool.query("CREATE TABLE effect (message_id text)");
  inbox = createInbox({ consumer: "billing", transaction });
});
beforeEach(() => pool.query("TRUNCATE message_inbox, effect"));
afterAll(async () => {
  await pool.end();
  await postgres.close();
});

const effect = (id: string) => async (client: PoolClient) => {
  await client.query("INSERT INTO effect VALUES ($1)", [id]);
};
const effects = async () =>
  (await pool.query<{ message_id: string }>("SELECT message_id FROM effect ORDER BY 1")).rows.map(
    ({ message_id }) => message_id,
  );

test("a message is handled once, however often it comes", async () => {
  expect(await inbox.once({ id: "m1" }, effect("m1"))).toBe("handled");
  expect(await inbox.once({ id: "m1" }, effect("m1"))).toBe("duplicate");
  expect(await effects()).toEqual(["m1"]);
});

test("the same message twice at the same time is handled once", async () => {
  const results = await Promise.all(Array.from({ length: 8 }, () => inbox.once({ id: "m2" }, effect("m2"))));
  expect(results.filter((result) => result === "handled")).toHaveLength(1);
  expect(await effects()).toEqual(["m2"]);
});

test("when the work fails nothing is noted, and it can come again", async () => {
  await expect(
    inbox.once({ id: "m3" }, async (client) => {
      await effect("m3")(client);
      throw new Error("halfway");
    }),
  ).rejects.toThrow("halfway");
  expect(await effects()).toEqual([]);
  expect(await inbox.once({ id: "m3" }, effect("m3"))).toBe("handled");
});

test("each consumer has its own memory", async () => {
  const other = createInbox<PoolClient>({ consumer: "mail", transaction });
  expect(await inbox.once({ id: "m4" }, effect("m4"))).toBe("handled");
  expect(await other.once({ id: "m4" }, effect("m4"))).toBe("handled");
});

test("a batch's work gets what is new, once and in order", async () => {
  await inbox.once({ id: "b" }, effect("b"));
  const seen: string[] = [];
  const work = async (fresh: readonly { id: string }[], client: PoolClient) => {
    for (const { id } of fresh) {
      seen.push(id);
      await effect(id)(client);
    }
  };
  expect(await inbox.onceForAll([{ id: "d" }, { id: "b" }, { id: "a" }, { id: "d" }], work)).toEqual({ duplicates: 2 });
  expect(seen).toEqual(["d", "a"]);
  expect(await inbox.onceForAll([{ id: "d" }, { id: "a" }], work)).toEqual({ duplicates: 2 });
  expect(seen).toEqual(["d", "a"]);
  const ids = Array.from({ length: 100 }, (_, at) => ({ id: `c${at}` }));
  await Promise.all([inbox.onceForAll(ids, work), inbox.onceForAll(ids.toReversed(), work)]);
  expect(await effects()).toHaveLength(103);
});

test("what is old is forgotten", async () => {
  await inbox.once({ id: "old" }, effect("old"));
  await pool.query("UPDATE message_inbox SET handled_at = handled_at - interval '1 hour'");
  await inbox.once({ id: "new" }, effect("new"));
  expect(await inbox.purge(60_000)).toBe(1);
  expect(await inbox.once({ id: "new" }, effect("new"))).toBe("duplicate");
});
