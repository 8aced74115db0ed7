import type { Logger } from "@fleetwire/service";
import { Redis, type RedisOptions } from "ioredis";
import { notConnected, toStoreError } from "./errors.ts";

/** Where the server is: one, or the primary that sentinels name. */
export interface ValkeyTarget {
  /** `redis://` or `rediss://`; wins over host and port. */
  url?: string | undefined;
  host?: string | undefined;
  port?: number | undefined;
  username?: string | undefined;
  password?: string | undefined;
  /** Default 0. */
  db?: number | undefined;
  tls?: { ca: Buffer | undefined } | undefined;
  /** Set: `host` and `port` are asked of these. */
  sentinels?: readonly { host: string; port: number }[] | undefined;
  /** The primary's name with the sentinels. */
  primaryName?: string | undefined;
  sentinelPassword?: string | undefined;
}

const connectMs = 5_000;
const pingEveryMs = 1_000;
/** Without an answer for this long a connection is given up: half-open ones don't end by themselves. */
const deadAfterMs = 4_000;

export interface ValkeyConnection {
  readonly redis: Redis;
  close(): void;
}

/**
 * One connection that comes back by itself. Calls made while it is away fail at once (`store_unavailable`), and what was
 * in flight when it broke fails then: nothing is sent twice behind the caller's back, and nothing queues up.
 *
 * Rejects with `store_unavailable`, or with the server's words where it refuses the credentials.
 */
export async function connectValkey(
  target: ValkeyTarget,
  o: { name: string; log: Logger; onReconnect?: () => void },
): Promise<ValkeyConnection> {
  const options: RedisOptions & { replyMapping: "legacy" } = {
    ...address(target),
    ...behaviour(o.name),
    replyMapping: "legacy",
  };
  const redis = new Redis(options);
  let away = false;
  let lastError: unknown = null;
  redis.on("error", (error: unknown) => (lastError = error));
  redis.on("close", () => {
    if (away) return;
    away = true;
    o.log.warn({ err: lastError, connection: o.name }, "the connection to Valkey was lost; connecting again");
  });
  redis.on("ready", () => {
    lastError = null;
    if (!away) return;
    away = false;
    o.log.info({ connection: o.name }, "connected to Valkey again");
    o.onReconnect?.();
  });
  try {
    await redis.connect();
  } catch (error) {
    redis.disconnect();
    throw toStoreError(lastError ?? error);
  }
  const watchdog = watch(redis, o.log);
  // The client gives up for good where it hears of a failover while it is about to connect again.
  let again: NodeJS.Timeout | undefined;
  redis.on("end", () => {
    again = setTimeout(() => void redis.connect().catch(() => {}), retryDelay(1));
  });
  return {
    redis,
    close: () => {
      clearInterval(watchdog);
      clearTimeout(again);
      redis.removeAllListeners();
      redis.on("error", () => {});
      redis.disconnect();
    },
  };
}

function address(target: ValkeyTarget): RedisOptions {
  const { username, password, db = 0 } = target;
  const who: RedisOptions = {
    db,
    ...(username === undefined ? {} : { username }),
    ...(password === undefined ? {} : { password }),
    ...(target.tls === undefined ? {} : { tls: tlsOptions(target.tls) }),
  };
  if (target.sentinels !== undefined && target.sentinels.length > 0) {
    return {
      ...who,
      sentinels: target.sentinels.map(({ host, port }) => ({ host, port })),
      name: target.primaryName ?? "mymaster",
      // Leaves the old primary as soon as the sentinels name another one, also where its connection seems well.
      failoverDetector: true,
      ...(target.tls === undefined ? {} : { sentinelTLS: tlsOptions(target.tls), enableTLSForSentinelMode: true }),
      sentinelRetryStrategy: retryDelay,
      ...(target.sentinelPassword === undefined ? {} : { sentinelPassword: target.sentinelPassword }),
    };
  }
  if (target.url === undefined) return { ...who, host: target.host ?? "127.0.0.1", port: target.port ?? 6379 };
  const { db: _, ...given } = who;
  return { ...given, ...fromUrl(target.url, target.tls), ...(target.db === undefined ? {} : { db }) };
}

function tlsOptions({ ca }: { ca: Buffer | undefined }): NonNullable<RedisOptions["tls"]> {
  return ca === undefined ? {} : { ca };
}

/** Throws TypeError for what isn't a URL. */
function fromUrl(text: string, tls: ValkeyTarget["tls"]): RedisOptions {
  const url = new URL(text);
  const db = Number(url.pathname.slice(1) || 0);
  return {
    host: url.hostname.replace(/^\[|\]$/g, ""),
    port: Number(url.port || 6379),
    db,
    ...(url.username === "" ? {} : { username: decodeURIComponent(url.username) }),
    ...(url.password === "" ? {} : { password: decodeURIComponent(url.password) }),
    ...(url.protocol === "rediss:" && tls === undefined ? { tls: {} } : {}),
  };
}

function behaviour(name: string): RedisOptions {
  return {
    connectionName: name,
    // Version 3 gives some replies another shape.
    protocol: 2,
    lazyConnect: true,
    connectTimeout: connectMs,
    enableOfflineQueue: false,
    autoResendUnfulfilledCommands: false,
    maxRetriesPerRequest: 0,
    retryStrategy: retryDelay,
    // A primary that became a replica keeps its clients: only leaving it finds the new one.
    reconnectOnError: (error) => error.message.startsWith("READONLY"),
    maxLoadingRetryTime: 10_000,
  };
}

/** Full jitter up to a cap that doubles from 50 ms to 1 s. */
function retryDelay(times: number): number {
  return Math.ceil(Math.random() * Math.min(1_000, 50 * 2 ** Math.min(times, 5)));
}

function watch(redis: Redis, log: Logger): NodeJS.Timeout {
  let asked: number | null = null;
  const timer = setInterval(() => {
    if (redis.status !== "ready") asked = null;
    else if (asked === null) {
      asked = performance.now();
      const since = asked;
      const answered = (): void => {
        if (asked === since) asked = null;
      };
      redis.ping().then(answered, answered);
    } else if (performance.now() - asked > deadAfterMs) {
      asked = null;
      log.warn({ silentMs: deadAfterMs }, "Valkey doesn't answer; connecting again");
      redis.disconnect(true);
    }
  }, pingEveryMs);
  return timer.unref();
}

/** Whether a call can be sent at all; otherwise the error that says that it wasn't. */
export function mustBeReady(redis: Redis): void {
  if (redis.status !== "ready") throw notConnected();
}
