import { setTimeout as sleep } from "node:timers/promises";
import { isConnectionError, isSerializationError, type Database } from "@fleetwire/database";
import { FleetwireError } from "@fleetwire/service";
import { storeErrors, unavailable } from "../errors.ts";

/** `name` makes it a prepared statement, parsed once per connection. A bigint comes as a number. */
export interface Statement {
  name?: string;
  text: string;
  values?: unknown[];
}

type Rows = <T>(statement: Statement) => Promise<T[]>;

/** How this store speaks to PostgreSQL: one place that knows which failures are worth repeating and which are outages. */
export interface Sql {
  /** One statement, a transaction of its own. */
  rows: Rows;
  /** Runs `work` in one transaction, again where PostgreSQL asks for it: it must have no effect outside. */
  transaction<R>(work: (rows: Rows) => Promise<R>): Promise<R>;
}

const maxTries = 6;

/**
 * Deadlocks and serialization failures are tried again, a few ms apart. What means that the database is out of reach
 * rejects with `store_unavailable`; the change may then have been made or not, and each method says who may repeat it.
 */
export function createSql(database: Database): Sql {
  return {
    rows: <T>(statement: Statement) => persist(() => database.query<T>(statement)),
    transaction: (work) =>
      persist(() =>
        database.transaction((client) =>
          work(async <T>(statement: Statement) => (await client.query(statement)).rows as T[]),
        ),
      ),
  };
}

async function persist<R>(work: () => Promise<R>): Promise<R> {
  for (let tries = 1; ; tries++) {
    try {
      return await work();
    } catch (error) {
      if (isSerializationError(error) && tries < maxTries) await sleep(Math.random() * 5 * 2 ** tries);
      else throw asStoreError(error);
    }
  }
}

/** SQLSTATE character_not_in_repertoire: a NUL in a parameter. */
const badCharacter = "22021";
/** query_canceled: it waited or ran for longer than the pool allows, and had no effect. */
const tookTooLong = "57014";
/** How the pool says that no connection was free, or could be made, in time. */
const noConnectionInTime = "timeout exceeded when trying to connect";

function asStoreError(error: unknown): unknown {
  const { code, message } = error as { code?: unknown; message?: unknown };
  if (code === tookTooLong || message === noConnectionInTime) return unavailable(error, "none");
  if (isConnectionError(error)) return unavailable(error);
  return code === badCharacter ? new FleetwireError(storeErrors.unstorable_text, undefined, { cause: error }) : error;
}
