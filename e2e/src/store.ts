import {
  startPostgres,
  startSentinel,
  startValkey,
  type TestPostgres,
  type TestSentinel,
  type TestValkey,
} from "@fleetwire/testbed";

/** What keeps the records of a fleet's servers. */
export type StoreKind = "postgres" | "valkey" | "sentinel";

/** The stores that tests of several servers run on, one after the other. */
export const storesUnderTest: readonly StoreKind[] = ["postgres", "valkey"];

/** A store that outlives the servers on it. */
export interface FleetStore {
  /** Environment variables by which a server finds it. */
  readonly settings: Record<string, string>;
  /** Null where it isn't PostgreSQL. */
  readonly postgres: TestPostgres | null;
  /** Null where it isn't Valkey. */
  readonly valkey: TestValkey | null;
  /** Null where it isn't a set of Valkey servers with sentinels. */
  readonly sentinel: TestSentinel | null;
  /** Whichever it is, as something that can break; of a set, the first primary. */
  readonly server: Pick<TestPostgres & TestValkey, "start" | "stop" | "restart" | "kill9" | "pause" | "resume">;
  close(): Promise<void>;
}

export async function startStore(kind: StoreKind): Promise<FleetStore> {
  if (kind === "valkey") {
    const valkey = await startValkey();
    const settings = { COMMAND_STORE: "valkey", VALKEY_URL: valkey.url };
    return { settings, postgres: null, valkey, sentinel: null, server: valkey, close: () => valkey.close() };
  }
  if (kind === "sentinel") {
    const sentinel = await startSentinel();
    const settings = {
      COMMAND_STORE: "valkey",
      VALKEY_SENTINELS: sentinel.sentinels.map(({ host, port }) => `${host}:${port}`).join(","),
      VALKEY_SENTINEL_NAME: sentinel.name,
    };
    const server = await sentinel.primary();
    return { settings, postgres: null, valkey: null, sentinel, server, close: () => sentinel.close() };
  }
  const postgres = await startPostgres();
  const settings = { DATABASE_URL: postgres.url };
  return { settings, postgres, valkey: null, sentinel: null, server: postgres, close: () => postgres.close() };
}
