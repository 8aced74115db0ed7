import { escapeIdentifier } from "pg";
import { codeOf } from "./database-errors.ts";
import { connectClient, connectionConfig, whenReachable } from "./connect.ts";
import { silentLog, type DatabaseLog } from "./log.ts";

const missing = "3D000";
// 42P04, 23505: another process was faster; 55006: another one is copying template1 right now.
const createdByAnother = new Set(["42P04", "23505"]);
const templateBusy = "55006";

/**
 * Creates `database` on the server if it isn't there; safe in many processes at once. An existing database is only
 * connected to, so a role that may not create any is enough then. A new one is created from a connection to the
 * database that `serverUrl` names, else to `postgres`.
 *
 * @returns the URL of the database
 * @throws pg's error when the role may not log in or create; an error naming host and port when the server stays out of reach.
 */
export async function ensureDatabase(
  serverUrl: string,
  database: string,
  o: { waitMs?: number; log?: DatabaseLog } = {},
): Promise<string> {
  const target = withDatabase(serverUrl, database);
  const maintenance = new URL(serverUrl).pathname.length > 1 ? serverUrl : withDatabase(serverUrl, "postgres");
  return whenReachable({
    url: serverUrl,
    waitMs: o.waitMs ?? 30_000,
    log: o.log ?? silentLog,
    attempt: async () => {
      if (!(await exists(target))) await create(maintenance, database);
      return target;
    },
  });
}

/**
 * The same server, another database.
 * @throws RangeError for a name that pg doesn't find again in a URL.
 */
function withDatabase(serverUrl: string, database: string): string {
  if (/[/?#]/.test(database)) throw new RangeError(`a database's name can't have / ? or # in it: ${database}`);
  const url = new URL(serverUrl);
  url.pathname = `/${encodeURIComponent(database)}`;
  return url.toString();
}

async function exists(url: string): Promise<boolean> {
  try {
    const client = await connectClient(connectionConfig({ url, applicationName: "fleetwire setup" }));
    await client.end();
    return true;
  } catch (error) {
    if (error instanceof Error && codeOf(error) === missing) return false;
    throw error;
  }
}

async function create(maintenanceUrl: string, database: string): Promise<void> {
  const client = await connectClient(connectionConfig({ url: maintenanceUrl, applicationName: "fleetwire setup" }));
  try {
    for (let tries = 1; ; tries += 1) {
      try {
        await client.query(`CREATE DATABASE ${escapeIdentifier(database)}`);
        return;
      } catch (error) {
        const code = error instanceof Error ? codeOf(error) : null;
        if (code !== null && createdByAnother.has(code)) return;
        if (code !== templateBusy || tries === 20) throw error;
      }
    }
  } finally {
    await client.end().catch(() => {});
  }
}
