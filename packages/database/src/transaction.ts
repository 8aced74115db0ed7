import type { PoolClient } from "pg";

export type IsolationLevel = "read committed" | "repeatable read" | "serializable";

const unsound = new WeakSet<PoolClient>();

/** Whether a transaction may still be open on this connection: it must not be given to anyone else. */
export function couldNotRollBack(client: PoolClient): boolean {
  return unsound.has(client);
}

/**
 * Runs `work` between BEGIN and COMMIT.
 * @throws what `work` rejects with, after a ROLLBACK; an error when the server answered COMMIT by rolling back.
 */
export async function runTransaction<R>(
  client: PoolClient,
  work: (client: PoolClient) => Promise<R>,
  isolation: IsolationLevel | undefined,
): Promise<R> {
  await client.query(isolation === undefined ? "BEGIN" : `BEGIN ISOLATION LEVEL ${isolation}`);
  let result: R;
  try {
    result = await work(client);
  } catch (error) {
    await client.query("ROLLBACK").catch(() => unsound.add(client));
    throw error;
  }
  const { command } = await client.query("COMMIT");
  if (command === "COMMIT") return result;
  throw new Error("the transaction was rolled back: a statement in it had failed and its error was swallowed");
}
