import { setTimeout as delay } from "node:timers/promises";
import { escapeIdentifier, type Client } from "pg";
import { backoffMs } from "./backoff.ts";
import type { DatabaseLog } from "./log.ts";

/** How long a frozen server may hold up `close`. */
const endMs = 1_000;

export interface Notification {
  channel: string;
  payload: string;
}

export interface ListenOptions {
  /** Called each time LISTEN is in force, the first time too. What was notified before is lost: look into the tables now. */
  onConnect?: () => void;
  /** How often the connection is checked. Default 10 s. A frozen server is noticed within one and a half of these. */
  heartbeatMs?: number;
}

/** LISTEN on a connection of its own, made again for ever after a loss. */
export interface Listener {
  readonly connected: boolean;
  close(): Promise<void>;
}

/** Resolves when it listens, or when the first try failed (it goes on trying; `onConnect` tells). */
export async function listen(
  o: { connect: () => Promise<Client>; log: DatabaseLog },
  channels: readonly string[],
  onNotification: (notification: Notification) => void,
  { onConnect, heartbeatMs = 10_000 }: ListenOptions = {},
): Promise<Listener> {
  const closing = new AbortController();
  const firstTry = Promise.withResolvers<void>();
  let current: Client | null = null;

  async function attach(): Promise<Client> {
    const client = await o.connect();
    client.on("notification", ({ channel, payload = "" }) => guard(() => onNotification({ channel, payload })));
    try {
      await client.query(channels.map((channel) => `LISTEN ${escapeIdentifier(channel)}`).join("; "));
    } catch (error) {
      client.end().catch(() => {});
      throw error;
    }
    return client;
  }

  function guard(callback: () => void): void {
    try {
      callback();
    } catch (error) {
      o.log.error({ err: error, channels }, "a notification's handler threw");
    }
  }

  async function run(): Promise<void> {
    for (let failures = 0; !closing.signal.aborted;) {
      try {
        const client = await attach();
        const lost = new Promise<void>((resolve) => client.once("end", () => resolve()));
        failures = 0;
        current = client;
        firstTry.resolve();
        if (onConnect !== undefined) guard(onConnect);
        await Promise.race([lost, beat(client, heartbeatMs, closing.signal)]);
        current = null;
        const ended = client.end().catch(() => {});
        if (closing.signal.aborted) await Promise.race([ended, delay(endMs, undefined, { ref: false })]);
        else o.log.warn({ channels }, "the listening connection was lost; connecting again");
      } catch (error) {
        failures += 1;
        firstTry.resolve();
        o.log.debug({ err: error, channels, failures }, "could not listen; trying on");
        await delay(backoffMs(failures), undefined, { signal: closing.signal }).catch(() => {});
      }
    }
  }

  const running = run();
  await firstTry.promise;
  return {
    get connected() {
      return current !== null;
    },
    async close() {
      closing.abort();
      await running;
    },
  };
}

/** Resolves when the server didn't answer in time, or `signal` aborts. */
async function beat(client: Client, everyMs: number, signal: AbortSignal): Promise<void> {
  const statement = { text: "SELECT 1", query_timeout: everyMs / 2 };
  for (;;) {
    const waited = await delay(everyMs, true, { signal }).catch(() => false);
    if (!waited) return;
    const answered = await client.query(statement).then(
      () => true,
      () => false,
    );
    if (!answered) return;
  }
}
