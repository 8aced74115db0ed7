import { Client } from "pg";
import { setTimeout as delay } from "node:timers/promises";
import type { ClusterRecord } from "./cluster-record.ts";
import { EmbeddedPostgresError } from "./embedded-postgres-error.ts";
import { loopbackUrl } from "./server-url.ts";
import { scramVerifier } from "./scram-verifier.ts";

/** "fleetwire" in ASCII, cut to 32 bits: the advisory lock, in database `postgres`, that every user of the cluster shares. */
const seatLock = 0x666c6565;
const seatName = "fleetwire seat of ";
const deadUsersWaitMs = 2_000;
const answerMs = 10_000;

/** One user's shared lock on the cluster, held by a connection of its own. */
export interface Seat {
  /** Resolves when the connection is gone, by `leave` or by a loss. */
  lost: Promise<void>;
  leave(): Promise<void>;
}

/** Takes a seat. Creates the role `fleetwire` if it isn't there yet. The caller holds the file lock. */
export async function takeSeat(record: ClusterRecord, port: number): Promise<Seat> {
  const client = await connectAsAdmin(record, port, `${seatName}${process.pid}`);
  const lost = new Promise<void>((resolve) => client.once("end", () => resolve()));
  try {
    await client.query("SELECT pg_advisory_lock_shared($1)", [seatLock]);
    await createRole(client, record.password);
  } catch (error) {
    await client.end();
    throw error;
  }
  return {
    lost,
    async leave() {
      // Unlocked by name first: when this resolves, the server knows. A dead connection has left already.
      await client.query("SELECT pg_advisory_unlock_shared($1)", [seatLock]).catch(() => {});
      await client.end().catch(() => {});
    },
  };
}

/**
 * The process ids of those who have a seat. The caller holds the file lock, so nobody comes meanwhile.
 * A seat whose process is dead is waited for: the server is about to notice.
 */
export async function seatedProcesses(record: ClusterRecord, port: number): Promise<number[]> {
  const client = await connectAsAdmin(record, port, "fleetwire seat count");
  const giveUpAt = performance.now() + deadUsersWaitMs;
  try {
    for (;;) {
      const { rows } = await client.query<{ application_name: string }>(
        `SELECT a.application_name FROM pg_locks l JOIN pg_stat_activity a USING (pid)
         WHERE l.locktype = 'advisory' AND l.classid = 0 AND l.objid = $1 AND l.granted
           AND l.database = (SELECT oid FROM pg_database WHERE datname = current_database())`,
        [seatLock],
      );
      const pids = rows.map((row) => Number(row.application_name.slice(seatName.length)));
      if (pids.every(isAlive) || performance.now() > giveUpAt) return pids;
      await delay(10);
    }
  } finally {
    await client.end();
  }
}

async function connectAsAdmin(record: ClusterRecord, port: number, applicationName: string): Promise<Client> {
  const client = new Client({
    connectionString: loopbackUrl({ user: "postgres", password: record.adminPassword, port, database: "postgres" }),
    application_name: applicationName,
    connectionTimeoutMillis: answerMs,
    // A frozen server must not hold up whoever has the file lock.
    query_timeout: answerMs,
    keepAlive: true,
  });
  // "end" follows every error; without a listener the error would end the process.
  client.on("error", () => {});
  try {
    await client.connect();
  } catch (error) {
    throw new EmbeddedPostgresError(
      "no_answer",
      `the embedded PostgreSQL on port ${port} runs but doesn't let us in: ${error instanceof Error ? error.message : String(error)}`,
      "see whether it is frozen or overloaded; its log is server.log beside its record.",
      { cause: error },
    );
  }
  return client;
}

async function createRole(client: Client, password: string): Promise<void> {
  const { rowCount } = await client.query("SELECT 1 FROM pg_roles WHERE rolname = 'fleetwire'");
  if (rowCount !== 0) return;
  // One message, so one transaction. pg_monitor: it may see what the server does, not change it.
  await client.query(
    `CREATE ROLE fleetwire LOGIN CREATEDB PASSWORD '${scramVerifier(password)}'; GRANT pg_monitor TO fleetwire`,
  );
}

function isAlive(pid: number): boolean {
  try {
    process.kill(pid, 0);
    return true;
  } catch (error) {
    return error instanceof Error && "code" in error && error.code === "EPERM";
  }
}
