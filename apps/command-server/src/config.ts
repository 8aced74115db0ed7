import {
  choice,
  duration,
  flag,
  integer,
  loadSettings,
  path,
  port,
  secret,
  text,
  type Settings,
} from "@fleetwire/service";
import { valkeySettings } from "./store/valkey/target-settings.ts";

/** Every setting of the command-server. Durations are milliseconds once loaded. */
export const commandServerSettings = {
  host: text({
    env: ["COMMAND_SERVER_HOST"],
    flag: "host",
    key: "http.host",
    default: "127.0.0.1",
    doc: "Address that HTTP listens on.",
  }),
  port: port({ env: ["COMMAND_SERVER_PORT"], flag: "port", key: "http.port", default: 3004, doc: "HTTP port." }),
  docs: flag({
    env: ["COMMAND_SERVER_DOCS"],
    flag: "docs",
    key: "http.docs",
    default: true,
    doc: "Serve /docs without a token.",
  }),
  metricsPublic: flag({
    env: ["COMMAND_SERVER_METRICS_PUBLIC"],
    flag: "metrics-public",
    key: "http.metricsPublic",
    default: false,
    doc: "Serve /metrics without a token.",
  }),
  grpcHost: text({
    env: ["COMMAND_SERVER_GRPC_HOST"],
    flag: "grpc-host",
    key: "grpc.host",
    default: "127.0.0.1",
    doc: "Address that gRPC listens on.",
  }),
  grpcPort: port({
    env: ["COMMAND_SERVER_GRPC_PORT"],
    flag: "grpc-port",
    key: "grpc.port",
    default: 50051,
    doc: "gRPC port.",
  }),
  tlsCert: path({
    env: ["COMMAND_SERVER_TLS_CERT"],
    flag: "tls-cert",
    key: "tls.cert",
    optional: true,
    doc: "PEM file of the certificate for HTTP and gRPC; needed to listen beyond loopback.",
  }),
  tlsKey: path({
    env: ["COMMAND_SERVER_TLS_KEY"],
    flag: "tls-key",
    key: "tls.key",
    optional: true,
    doc: "PEM file of its key.",
  }),
  tlsCa: path({
    env: ["COMMAND_SERVER_TLS_CA"],
    flag: "tls-ca",
    key: "tls.ca",
    optional: true,
    doc: "PEM file of an authority: gRPC clients then have to bring a certificate of it.",
  }),
  home: path({
    env: ["FLEETWIRE_HOME"],
    flag: "home",
    key: "home",
    default: ".fleetwire",
    doc: "Folder of the embedded database, the token file and cli.json.",
  }),
  authTokenFile: path({
    env: ["AUTH_TOKEN_FILE"],
    flag: "auth-token-file",
    key: "auth.tokenFile",
    optional: true,
    doc: "JSON file of token hashes; not set: tokens.json in the home, made with an operator's token.",
  }),
  store: choice({
    env: ["COMMAND_STORE"],
    flag: "store",
    key: "store.kind",
    values: ["postgres", "valkey"],
    default: "postgres",
    doc: "What keeps commands and agents: PostgreSQL, or Valkey (Redis).",
  }),
  ...valkeySettings,
  databaseUrl: secret({
    env: ["COMMAND_SERVER_DATABASE_URL"],
    key: "database.url",
    optional: true,
    doc: "URL of this service's own PostgreSQL database.",
  }),
  databaseServerUrl: secret({
    env: ["DATABASE_URL"],
    key: "database.serverUrl",
    optional: true,
    doc: "URL of a PostgreSQL server; the database fleetwire_command_server on it is used. Nothing set: an embedded one.",
  }),
  databaseHost: text({ env: ["DB_HOST"], key: "database.host", optional: true, doc: "PostgreSQL server, in parts." }),
  databasePort: port({ env: ["DB_PORT"], key: "database.port", optional: true, doc: "Its port; default 5432." }),
  databaseUser: text({ env: ["DB_USER"], key: "database.user", optional: true, doc: "Its user." }),
  databasePassword: secret({
    env: ["DB_PASSWORD"],
    key: "database.password",
    optional: true,
    doc: "The user's password.",
  }),
  databaseName: text({
    env: ["DB_NAME"],
    key: "database.name",
    optional: true,
    doc: "Database; default fleetwire_command_server.",
  }),
  databaseConnections: integer({
    env: ["COMMAND_SERVER_DATABASE_CONNECTIONS"],
    key: "database.connections",
    default: 10,
    min: 2,
    max: 500,
    doc: "Most connections to the database.",
  }),
  pollingInterval: duration({
    env: ["COMMAND_POLLING_INTERVAL"],
    flag: "polling-interval",
    key: "pollingInterval",
    default: "5s",
    min: 10,
    doc: "How often queued commands are looked for; the safety net of the wake-up.",
  }),
  batchSize: integer({
    env: ["COMMAND_BATCH_SIZE"],
    flag: "batch-size",
    key: "batchSize",
    default: 20,
    min: 1,
    max: 1000,
    doc: "Most commands given to one agent at once.",
  }),
  cleanupInterval: duration({
    env: ["COMMAND_CLEANUP_INTERVAL"],
    flag: "cleanup-interval",
    key: "cleanupInterval",
    default: "1h",
    min: 1000,
    doc: "How often records past their keep are removed.",
  }),
  wakeup: flag({
    env: ["COMMAND_WAKEUP"],
    flag: "wakeup",
    key: "wakeup",
    default: true,
    doc: "Dispatch at once when a command is queued; off: by polling alone.",
  }),
  recordTtl: duration({
    env: ["COMMAND_RECORD_TTL"],
    flag: "record-ttl",
    key: "recordTtl",
    default: "7d",
    min: 60_000,
    doc: "How long a command is kept after its end.",
  }),
  defaultTimeout: duration({
    env: ["COMMAND_DEFAULT_TIMEOUT"],
    flag: "default-timeout",
    key: "defaultTimeout",
    default: "300s",
    min: 1000,
    max: 86_400_000,
    doc: "Time for the execution of a command that names none.",
  }),
  defaultExpiry: duration({
    env: ["COMMAND_DEFAULT_EXPIRY"],
    flag: "default-expiry",
    key: "defaultExpiry",
    default: "24h",
    min: 1000,
    max: 30 * 86_400_000,
    doc: "How long a command that names no expiresAt waits for its agent.",
  }),
  outputHead: integer({
    env: ["COMMAND_OUTPUT_HEAD_BYTES"],
    key: "output.headBytes",
    default: 512 * 1024,
    min: 1024,
    max: 64 * 1024 * 1024,
    doc: "Bytes kept of the beginning of a command's output.",
  }),
  outputTail: integer({
    env: ["COMMAND_OUTPUT_TAIL_BYTES"],
    key: "output.tailBytes",
    default: 512 * 1024,
    min: 1024,
    max: 64 * 1024 * 1024,
    doc: "Bytes kept of its end.",
  }),
  maxStreams: integer({
    env: ["COMMAND_SERVER_MAX_STREAMS"],
    key: "streams.max",
    default: 10_000,
    min: 1,
    max: 1_000_000,
    doc: "Most followers (event streams and watches over gRPC) at once.",
  }),
  streamHeartbeat: duration({
    env: ["COMMAND_SERVER_STREAM_HEARTBEAT"],
    key: "streams.heartbeat",
    default: "15s",
    min: 10,
    doc: "How often an idle event stream says that it lives.",
  }),
  streamStall: duration({
    env: ["COMMAND_SERVER_STREAM_STALL"],
    key: "streams.stall",
    default: "60s",
    min: 10,
    doc: "A follower that takes nothing for this long is disconnected.",
  }),
  shutdownDeadline: duration({
    env: ["SHUTDOWN_DEADLINE"],
    key: "shutdown.deadline",
    default: "30s",
    min: 1000,
    doc: "Time for a graceful end.",
  }),
  goAway: duration({
    env: ["COMMAND_SERVER_GO_AWAY"],
    key: "shutdown.goAway",
    default: "2s",
    max: 60_000,
    doc: "When the server stops: time for its agents to be told to go, and for their last reports to be stored.",
  }),
  logLevel: choice({
    env: ["LOG_LEVEL"],
    flag: "log-level",
    key: "log.level",
    values: ["trace", "debug", "info", "warn", "error", "fatal", "silent"],
    default: "info",
    doc: "Least severe level that is logged.",
  }),
} as const;

export type CommandServerSettings = Settings<typeof commandServerSettings>;

/** Reads flags, environment, the YAML file that `--config` or COMMAND_SERVER_CONFIG names, and defaults. Throws SettingsError. */
export function loadCommandServerSettings(
  input: { argv?: readonly string[]; env?: Readonly<Record<string, string | undefined>> } = {},
): CommandServerSettings {
  const env = input.env ?? process.env;
  const { file, rest } = takeConfigFlag(input.argv ?? []);
  const named = file ?? env["COMMAND_SERVER_CONFIG"];
  return loadSettings(commandServerSettings, {
    service: "command-server",
    env,
    argv: rest,
    ...(named === undefined || named === "" ? {} : { file: named }),
  });
}

/** The file has to be known before the other settings can be read. */
function takeConfigFlag(argv: readonly string[]): { file: string | undefined; rest: string[] } {
  const rest = [...argv];
  const at = rest.findIndex((word) => word === "--config" || word.startsWith("--config="));
  if (at === -1) return { file: undefined, rest };
  const word = rest[at] ?? "";
  const [file] = word === "--config" ? rest.splice(at, 2).slice(1) : [rest.splice(at, 1)[0]?.slice("--config=".length)];
  return { file, rest };
}
