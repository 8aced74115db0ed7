import { startPostgres, startValkey, type TestPostgres, type TestValkey } from "@fleetwire/testbed";

/** What keeps the records of a fleet's servers. */
export type StoreKind = "postgres" | "valkey";

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
  /** Whichever it is, as something that can break. */
  readonly server: Pick<TestPostgres & TestValkey, "start" | "stop" | "restart" | "kill9" | "pause" | "resume">;
  close(): Promise<void>;
}

export async function startStore(kind: StoreKind): Promise<FleetStore> {
  if (kind === "valkey") {
    const valkey = await startValkey();
    const settings = { COMMAND_STORE: "valkey", VALKEY_URL: valkey.url };
    return { settings, postgres: null, valkey, server: valkey, close: () => valkey.close() };
  }
  const postgres = await startPostgres();
  const settings = { DATABASE_URL: postgres.url };
  return { settings, postgres, valkey: null, server: postgres, close: () => postgres.close() };
}
