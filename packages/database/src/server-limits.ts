import type pg from "pg";
import type { DatabaseLog } from "./log.ts";

interface Limits {
  /** Connections that an ordinary role can get, all together. */
  available: number;
  /** Those that others have now. */
  used: number;
}

/** Makes the pool fit `max_connections`: reduced when the server could never give so many, a warning when it can't now. */
export async function limitToServer(pool: pg.Pool, log: DatabaseLog): Promise<void> {
  // reserved_connections came with PostgreSQL 16
  const { rows } = await pool.query<Limits>(
    `SELECT current_setting('max_connections')::int - current_setting('superuser_reserved_connections')::int
              - coalesce(current_setting('reserved_connections', true), '0')::int AS available,
            (SELECT count(*)::int FROM pg_stat_activity WHERE backend_type = 'client backend' AND pid <> pg_backend_pid()) AS used`,
  );
  const limits = rows[0];
  if (limits === undefined) return;
  const wanted = pool.options.max;
  if (wanted > limits.available) {
    pool.options.max = Math.max(1, limits.available);
    log.warn({ wanted, ...limits }, "the database pool was reduced to what max_connections allows");
  } else if (wanted > limits.available - limits.used) {
    log.warn(
      { wanted, ...limits },
      "the database pool may not get all its connections: others use them (max_connections)",
    );
  }
}
