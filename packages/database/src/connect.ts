import { Client, type ClientConfig } from "pg";
import { setTimeout as delay } from "node:timers/promises";
import { backoffMs } from "./backoff.ts";
import { codeOf, isConnectionError } from "./database-errors.ts";
import { numberTypes } from "./int8.ts";
import type { DatabaseLog } from "./log.ts";

/** What every connection of ours has in common. */
export function connectionConfig(o: { url: string; applicationName: string; connectTimeoutMs?: number }): ClientConfig {
  return {
    connectionString: o.url,
    application_name: o.applicationName,
    connectionTimeoutMillis: o.connectTimeoutMs ?? 5_000,
    // A peer that vanished without a word is found by TCP, not waited for.
    keepAlive: true,
    keepAliveInitialDelayMillis: 10_000,
    types: numberTypes,
  };
}

/** A connection of its own. Its loss shows as an "end" event and in what is asked of it, never as an uncaught error. */
export async function connectClient(config: ClientConfig): Promise<Client> {
  const client = new Client(config);
  client.on("error", () => {});
  await client.connect();
  return client;
}

/**
 * Runs `attempt` until it works, with backoff, while it fails because the server is out of reach.
 * @throws at once what isn't a connection error; after `waitMs` the last error, named after the server.
 */
export async function whenReachable<R>(o: {
  url: string;
  waitMs: number;
  log: DatabaseLog;
  attempt: () => Promise<R>;
}): Promise<R> {
  const giveUpAt = performance.now() + o.waitMs;
  for (let tries = 1; ; tries += 1) {
    try {
      return await o.attempt();
    } catch (error) {
      if (!isConnectionError(error)) throw error;
      const server = describeServer(o.url);
      if (performance.now() >= giveUpAt) {
        throw new Error(`no connection to PostgreSQL at ${server} within ${o.waitMs / 1000} s: ${reason(error)}`, {
          cause: error,
        });
      }
      if (tries === 1) o.log.warn({ server, reason: reason(error) }, "PostgreSQL is out of reach; trying on");
      await delay(backoffMs(tries));
    }
  }
}

/** host:port/database of a URL; never its password. */
export function describeServer(url: string): string {
  const { hostname, port, pathname } = new URL(url);
  return `${hostname || "localhost"}:${port || "5432"}${pathname === "/" ? "" : pathname}`;
}

function reason(error: unknown): string {
  if (!(error instanceof Error)) return String(error);
  return error.message || codeOf(error) || error.name;
}
