import type { Database } from "@fleetwire/database";

interface Connection {
  query(text: string): Promise<unknown>;
}

// A server that stands still in the middle of a transaction would keep agents' rows locked, and so keep its agents from
// going to another one.
const prepare = (connection: Connection) =>
  connection.query("SET enable_seqscan = off; SET idle_in_transaction_session_timeout = '10s'");

/**
 * Has every connection of the pool plan with indexes, and hold no lock for long while it does nothing. A prepared statement keeps the plan that it got when its tables
 * were nearly empty, and there reading a table whole looks cheapest: until the server's next ANALYZE, up to a minute
 * later, each command would cost more than the one before. No statement here is meant to read a table whole.
 */
export async function prepareConnections({ pool }: Database): Promise<void> {
  // oxlint-disable-next-line typescript/no-misused-promises -- the pool awaits it before it gives the connection away; its types don't say so
  pool.options.onConnect = async (client) => void (await prepare(client));
  const open = await Promise.all(Array.from({ length: pool.totalCount }, () => pool.connect()));
  try {
    await Promise.all(open.map(prepare));
  } finally {
    for (const client of open) client.release();
  }
}
