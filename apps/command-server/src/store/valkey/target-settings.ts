import { readFile } from "node:fs/promises";
import { flag, integer, list, path, port, secret, text, type Settings } from "@fleetwire/service";
import type { ValkeyTarget } from "./connection.ts";

/** The same settings under both names: `VALKEY_*` for this store alone, `REDIS_*` for whatever uses Redis. */
const named = (name: "VALKEY" | "REDIS") => {
  const key = name.toLowerCase();
  const what = name === "VALKEY" ? "Valkey" : "Redis";
  return {
    url: secret({
      env: [`${name}_URL`],
      key: `${key}.url`,
      optional: true,
      doc: `URL of the ${what} server: redis://user:password@host:port/db, rediss:// for TLS.`,
    }),
    host: text({ env: [`${name}_HOST`], key: `${key}.host`, optional: true, doc: `${what} server, in parts.` }),
    port: port({ env: [`${name}_PORT`], key: `${key}.port`, optional: true, doc: "Its port; default 6379." }),
    username: text({ env: [`${name}_USERNAME`], key: `${key}.username`, optional: true, doc: "Its user." }),
    password: secret({
      env: [`${name}_PASSWORD`],
      key: `${key}.password`,
      optional: true,
      doc: "The user's password.",
    }),
    db: integer({
      env: [`${name}_DB`],
      key: `${key}.db`,
      optional: true,
      min: 0,
      max: 65_535,
      doc: "Number of the database; default 0.",
    }),
    tls: flag({ env: [`${name}_TLS`], key: `${key}.tls`, default: false, doc: "Connect over TLS." }),
    tlsCa: path({
      env: [`${name}_TLS_CA`],
      key: `${key}.tlsCa`,
      optional: true,
      doc: "PEM file of the authority that its certificate is of; not set: those of the system.",
    }),
    sentinels: list({
      env: [`${name}_SENTINELS`],
      key: `${key}.sentinels`,
      default: [],
      doc: "Sentinels that know the primary: host:port, host:port. Host and port are asked of them then.",
    }),
    sentinelName: text({
      env: [`${name}_SENTINEL_NAME`],
      key: `${key}.sentinelName`,
      default: "mymaster",
      doc: "The primary's name with the sentinels.",
    }),
    sentinelPassword: secret({
      env: [`${name}_SENTINEL_PASSWORD`],
      key: `${key}.sentinelPassword`,
      optional: true,
      doc: "Password of the sentinels.",
    }),
  };
};

const valkey = named("VALKEY");
const redis = named("REDIS");

/** Where the Valkey store is, and how it behaves; part of the command-server's settings. */
export const valkeySettings = {
  valkeyUrl: valkey.url,
  valkeyHost: valkey.host,
  valkeyPort: valkey.port,
  valkeyUsername: valkey.username,
  valkeyPassword: valkey.password,
  valkeyDb: valkey.db,
  valkeyTls: valkey.tls,
  valkeyTlsCa: valkey.tlsCa,
  valkeySentinels: valkey.sentinels,
  valkeySentinelName: valkey.sentinelName,
  valkeySentinelPassword: valkey.sentinelPassword,
  redisUrl: redis.url,
  redisHost: redis.host,
  redisPort: redis.port,
  redisUsername: redis.username,
  redisPassword: redis.password,
  redisDb: redis.db,
  redisTls: redis.tls,
  redisTlsCa: redis.tlsCa,
  redisSentinels: redis.sentinels,
  redisSentinelName: redis.sentinelName,
  redisSentinelPassword: redis.sentinelPassword,
  valkeyKeyPrefix: text({
    env: ["VALKEY_KEY_PREFIX"],
    key: "valkey.keyPrefix",
    optional: true,
    doc: "Put before every key, for several installations on one database.",
  }),
  valkeyForeignCommands: flag({
    env: ["VALKEY_FOREIGN_COMMANDS"],
    key: "valkey.foreignCommands",
    default: true,
    doc: "Take commands that other programs write as command:queue:{id}.",
  }),
  valkeyForeignCompany: text({
    env: ["VALKEY_FOREIGN_COMPANY"],
    key: "valkey.foreignCompany",
    default: "default",
    doc: "The company that these belong to.",
  }),
} as const;

export type ValkeySettings = Settings<typeof valkeySettings>;

/**
 * The server that the settings name. Where a `VALKEY_*` setting says where it is, nothing of `REDIS_*` is read: a password
 * must not go to another server. Else `REDIS_*` says it; nothing at all: 127.0.0.1:6379.
 *
 * Throws with the setting's name for a sentinel, a URL or a file that can't be used.
 */
export async function valkeyTarget(s: ValkeySettings): Promise<ValkeyTarget> {
  const own = s.valkeyUrl !== undefined || s.valkeyHost !== undefined || s.valkeySentinels.length > 0;
  const elsewhere = s.redisUrl !== undefined || s.redisHost !== undefined || s.redisSentinels.length > 0;
  if (own || !elsewhere) {
    return toTarget("VALKEY", {
      url: s.valkeyUrl,
      host: s.valkeyHost,
      port: s.valkeyPort,
      username: s.valkeyUsername,
      password: s.valkeyPassword,
      db: s.valkeyDb,
      tls: s.valkeyTls,
      tlsCa: s.valkeyTlsCa,
      sentinels: s.valkeySentinels,
      primaryName: s.valkeySentinelName,
      sentinelPassword: s.valkeySentinelPassword,
    });
  }
  return toTarget("REDIS", {
    url: s.redisUrl,
    host: s.redisHost,
    port: s.redisPort,
    username: s.redisUsername,
    password: s.redisPassword,
    db: s.redisDb,
    tls: s.redisTls,
    tlsCa: s.redisTlsCa,
    sentinels: s.redisSentinels,
    primaryName: s.redisSentinelName,
    sentinelPassword: s.redisSentinelPassword,
  });
}

interface Named extends Omit<ValkeyTarget, "sentinels" | "tls"> {
  tls: boolean;
  tlsCa: string | undefined;
  sentinels: readonly string[];
}

async function toTarget(name: string, { tls, tlsCa, sentinels, ...rest }: Named): Promise<ValkeyTarget> {
  if (rest.url !== undefined && !/^rediss?:\/\/[^/]/.test(rest.url)) {
    throw new Error(`${name}_URL: expected redis://host:port or rediss://host:port.`);
  }
  return {
    ...rest,
    sentinels: sentinels.map((text) => parseAddress(name, text)),
    tls: tls || tlsCa !== undefined ? { ca: tlsCa === undefined ? undefined : await readCa(name, tlsCa) } : undefined,
  };
}

function parseAddress(name: string, text: string): { host: string; port: number } {
  const [, host, digits] = /^\[?([^\s[\]]+?)\]?:(\d{1,5})$/.exec(text.trim()) ?? [];
  const number = Number(digits);
  if (host === undefined || number < 1 || number > 65_535) {
    throw new Error(`${name}_SENTINELS: "${text}" isn't host:port.`);
  }
  return { host, port: number };
}

async function readCa(name: string, file: string): Promise<Buffer> {
  try {
    return await readFile(file);
  } catch (cause) {
    throw new Error(`${name}_TLS_CA: ${file} can't be read.`, { cause });
  }
}
