import type { Registry } from "prom-client";
import { Pool, type Client, type PoolClient, type QueryConfig, type QueryResultRow } from "pg";
import { connectClient, connectionConfig, describeServer, whenReachable } from "./connect.ts";
import { isConnectionError } from "./database-errors.ts";
import type { DatabaseLog } from "./log.ts";
import { listen, type ListenOptions, type Listener, type Notification } from "./listen.ts";
import { createPoolMetrics } from "./pool-metrics.ts";
import { limitToServer } from "./server-limits.ts";
import { couldNotRollBack, runTransaction, type IsolationLevel } from "./transaction.ts";

/** A statement: text, or text with values; with `name` it is prepared once per connection. */
export type Statement = string | { name?: string; text: string; values?: readonly unknown[] };

/** A database, with a pool of connections that survives the loss of the server. */
export interface Database {
  /** For what the functions below don't cover (COPY, cursors). Whoever takes a client gives it back. */
  readonly pool: Pool;
  /** The rows of one statement. Rejects with pg's error; see `isConnectionError`. A bigint comes as a number. */
  query<T>(statement: Statement): Promise<T[]>;
  /**
   * Runs `work` between BEGIN and COMMIT on one connection; rolls back when it rejects, and rejects with its error.
   * Also rejects when the server rolled back instead of committing. Not repeated: see `isSerializationError`.
   */
  transaction<R>(work: (client: PoolClient) => Promise<R>, o?: { isolation?: IsolationLevel }): Promise<R>;
  /** See `Listener`. */
  listen(
    channels: readonly string[],
    onNotification: (notification: Notification) => void,
    o?: ListenOptions,
  ): Promise<Listener>;
  /** A connection outside the pool, without a statement timeout; the caller ends it. */
  connect(): Promise<Client>;
  /** Resolves when the server answers; rejects within 2 s otherwise. */
  ping(): Promise<void>;
  /** Waits for statements under way, then closes the pool. Listeners are closed by their owners. */
  close(): Promise<void>;
}

export interface DatabaseOptions {
  /** Of the database, not of the server. */
  url: string;
  /** As pg_stat_activity shows it. */
  applicationName: string;
  log: DatabaseLog;
  metrics?: Registry;
  /** Default 10. Reduced, with a warning, to what the server can give. */
  maxConnections?: number;
  /** The server cancels a statement after this (57014); when it says nothing, we give up a second later. Default 30 s; 0: never. */
  statementTimeoutMs?: number;
  /** How long a connection may take to open, and a caller to wait for a free one. Default 5 s. */
  connectTimeoutMs?: number;
  /** How long to wait for a server that isn't up yet. Default 30 s. */
  waitMs?: number;
}

const pingTimeoutMs = 2_000;

/**
 * Opens a pool and makes sure that the server answers.
 * @throws pg's error at once (wrong password, no such database); an error naming host and port after `waitMs` without a connection.
 */
export async function openDatabase(o: DatabaseOptions): Promise<Database> {
  const config = connectionConfig(o);
  const statementTimeoutMs = o.statementTimeoutMs ?? 30_000;
  const pool = new Pool({
    ...config,
    max: o.maxConnections ?? 10,
    idleTimeoutMillis: 30_000,
    ...(statementTimeoutMs === 0
      ? {}
      : { statement_timeout: statementTimeoutMs, query_timeout: statementTimeoutMs + 1_000 }),
  });
  surviveLosses(pool, o.log);
  try {
    await whenReachable({
      url: o.url,
      waitMs: o.waitMs ?? 30_000,
      log: o.log,
      attempt: () => limitToServer(pool, o.log),
    });
  } catch (error) {
    await pool.end();
    throw error;
  }
  o.log.debug({ server: describeServer(o.url), maxConnections: pool.options.max }, "database opened");
  const metrics = createPoolMetrics(pool, o.metrics);

  /** Rejects with what `work` rejects with; a connection that broke is not given back. */
  async function withClient<R>(work: (client: PoolClient) => Promise<R>): Promise<R> {
    let client: PoolClient | undefined;
    try {
      client = await pool.connect();
      const result = await work(client);
      client.release();
      return result;
    } catch (error) {
      // pool.query would drop the connection after any error; a unique violation is no reason to reconnect.
      client?.release(isConnectionError(error) || couldNotRollBack(client));
      metrics.countError(error);
      throw error;
    }
  }

  const connect = (): Promise<Client> => connectClient(config);
  return {
    pool,
    query: <T>(statement: Statement) =>
      withClient(async (client) => (await client.query<T & QueryResultRow>(toConfig(statement))).rows),
    transaction: (work, options) => withClient((client) => runTransaction(client, work, options?.isolation)),
    listen: (channels, onNotification, options) => listen({ connect, log: o.log }, channels, onNotification, options),
    connect,
    async ping() {
      const statement = { text: "SELECT 1", query_timeout: pingTimeoutMs };
      const answer = withClient((client) => client.query(statement));
      await within(pingTimeoutMs, answer);
    },
    async close() {
      metrics.stop();
      await pool.end();
    },
  };
}

function toConfig(statement: Statement): QueryConfig {
  if (typeof statement === "string") return { text: statement };
  const { name, text, values } = statement;
  return { text, ...(name === undefined ? {} : { name }), ...(values === undefined ? {} : { values: [...values] }) };
}

/** A lost connection shows in the statement that runs on it; without these listeners it would also end the process. */
function surviveLosses(pool: Pool, log: DatabaseLog): void {
  pool.on("error", (error) => log.warn({ err: error }, "an idle database connection was lost"));
  pool.on("connect", (client) => {
    client.on("error", (error: Error) => log.debug({ err: error }, "a database connection was lost"));
  });
}

async function within<R>(limitMs: number, work: Promise<R>): Promise<R> {
  const { promise: late, reject } = Promise.withResolvers<never>();
  const timer = setTimeout(() => reject(new Error(`Query read timeout: no answer within ${limitMs} ms`)), limitMs);
  try {
    return await Promise.race([work, late]);
  } finally {
    clearTimeout(timer);
  }
}
