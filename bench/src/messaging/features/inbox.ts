import { createInbox, inboxTable } from "@fleetwire/messaging";
import { startPostgres } from "@fleetwire/testbed";
import { Pool, type PoolClient } from "pg";
import type { Figure } from "../../report.ts";
import type { Contest } from "../contest.ts";
import { batchSize } from "../rates.ts";
import { group, ourSide, prefetch, type Subscribe } from "../side.ts";
import { cost } from "./cost.ts";

const consumer = "bench";
const connections = 10;
const count = 10_000;

/** What it costs that each message is noted in PostgreSQL as handled: a transaction for each, and one for each batch. */
export async function inbox(contest: Contest): Promise<Figure[]> {
  const postgres = await startPostgres();
  const pool = new Pool({ connectionString: postgres.url, max: connections });
  pool.on("error", () => {}); // at the end, the server goes before the last of its idle connections
  await pool.query(inboxTable);
  const notes = createInbox<PoolClient>({ consumer, transaction: (work) => transaction(pool, work) });
  const provider = await contest.open();
  const queue = contest.definition.name;
  await provider.declare(contest.definition);

  const noted: Subscribe = (by, name, handled) =>
    by.subscribe(
      name,
      async ({ message }) => {
        await notes.once(message, nothing);
        handled();
      },
      { group, concurrency: prefetch, prefetch },
    );
  const check = async (expected: number): Promise<void> => {
    const { rows } = await pool.query<{ count: number }>("SELECT count(*)::int AS count FROM message_inbox");
    await pool.query("TRUNCATE message_inbox");
    if (rows[0]?.count !== expected)
      throw new Error(`${rows[0]?.count} messages are noted in the inbox, expected ${expected}`);
  };
  const store = { inbox: `PostgreSQL, fsync and synchronous_commit on, ${connections} connections` };
  const figures = [
    await cost(contest, {
      name: "with the inbox",
      on: ourSide(provider, queue, noted),
      off: contest.ours,
      count,
      check,
      conditions: { ...store, prefetch, concurrency: prefetch },
    }),
    await cost(contest, {
      name: `with the inbox, batches of ${batchSize}`,
      on: ourSide(
        provider,
        queue,
        inBatches((messages) => notes.onceForAll(messages, nothing)),
      ),
      off: ourSide(provider, queue, inBatches(nothing)),
      count,
      check,
      conditions: { ...store, concurrency: `1 batch of ${batchSize}`, prefetch: 2 * batchSize },
    }),
  ];
  await provider.close();
  await pool.end();
  await postgres.close();
  return figures;
}

function inBatches(handle: (messages: { id: string }[]) => Promise<unknown>): Subscribe {
  return (provider, queue, handled) =>
    provider.subscribeBatch(
      queue,
      async (deliveries) => {
        await handle(deliveries.map(({ message }) => message));
        for (const _ of deliveries) handled();
      },
      { group, size: batchSize, concurrency: 1 },
    );
}

const nothing = (): Promise<void> => Promise.resolve();

async function transaction<T>(pool: Pool, work: (client: PoolClient) => Promise<T>): Promise<T> {
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
