import { join, resolve } from "node:path";
import { choice, flag, loadSettings, path, port, settingsHelp, type Settings } from "@fleetwire/service";

/** The project that this file belongs to; agents and launchers are found from here. */
export const projectRoot = resolve(import.meta.dirname, "../../..");

const specs = {
  home: path({
    env: ["FLEETWIRE_HOME"],
    flag: "home",
    optional: true,
    doc: "Folder of the database, credentials, logs and the demo agent; not set: .fleetwire in the project.",
  }),
  port: port({
    env: ["COMMAND_SERVER_PORT"],
    flag: "port",
    optional: true,
    doc: "HTTP port; 0: any free one; not set: 3004.",
  }),
  grpcPort: port({
    env: ["COMMAND_SERVER_GRPC_PORT"],
    flag: "grpc-port",
    optional: true,
    doc: "gRPC port; 0: any free one; not set: 50051.",
  }),
  demo: flag({
    env: [],
    flag: "demo",
    default: false,
    doc: "In a fresh home and on free ports where nothing else is said: run one command, print its round trip, stop.",
  }),
  log: flag({
    env: [],
    flag: "log",
    default: false,
    doc: "Write the log to stderr instead of standalone.log in the home.",
  }),
  store: choice({
    env: ["COMMAND_STORE"],
    flag: "store",
    values: ["postgres", "valkey"],
    default: "postgres",
    doc: "What keeps commands and agents; valkey: a server of this home's own unless VALKEY_URL or the like names one.",
  }),
  valkeyProgram: path({
    env: ["REDIS_SERVER_BIN"],
    flag: "valkey-server",
    optional: true,
    doc: "Program of that server; not set: valkey-server, else redis-server, of PATH.",
  }),
  logLevel: choice({
    env: ["LOG_LEVEL"],
    flag: "log-level",
    values: ["trace", "debug", "info", "warn", "error", "fatal", "silent"],
    default: "info",
    doc: "Least severe level that is logged.",
  }),
} as const;

type Loaded = Settings<typeof specs>;

export interface StandaloneSettings extends Omit<Loaded, "home" | "port" | "grpcPort" | "valkeyProgram"> {
  /** Null: a temporary one, removed at the end. */
  home: string | null;
  port: number;
  grpcPort: number;
  /** To be started, for the store is Valkey and nothing says which; `program`: its path, null: the one of PATH. */
  privateValkey: { program: string | null } | null;
  noColor: boolean;
}

/** Throws SettingsError. */
export function loadStandaloneSettings(
  argv: readonly string[],
  env: NodeJS.ProcessEnv = process.env,
): StandaloneSettings {
  const { valkeyProgram = null, ...loaded } = loadSettings(specs, { service: "standalone", env, argv });
  return {
    ...loaded,
    home: loaded.home ?? (loaded.demo ? null : join(projectRoot, ".fleetwire")),
    port: loaded.port ?? (loaded.demo ? 0 : 3004),
    grpcPort: loaded.grpcPort ?? (loaded.demo ? 0 : 50051),
    privateValkey: loaded.store === "valkey" && !namesValkey(env) ? { program: valkeyProgram } : null,
    noColor: Boolean(env["NO_COLOR"]) || env["TERM"] === "dumb",
  };
}

/** Whether a variable says where Valkey is; the command-server reads it. */
function namesValkey(env: NodeJS.ProcessEnv): boolean {
  return Object.entries(env).some(
    ([name, value]) => Boolean(value) && /^((VALKEY|REDIS)_(URL|URL_FILE|HOST|SENTINELS)|VALKEY_PORT)$/.test(name),
  );
}

/** The command-server's environment with the Valkey that was started for it: what opens another one is left out. */
export function withValkey(
  environment: Record<string, string | undefined>,
  url: string,
): Record<string, string | undefined> {
  const ofAnother = /^VALKEY_(URL|HOST|PORT|SENTINELS|USERNAME|PASSWORD|TLS)(_|$)/;
  const passed = Object.entries(environment).filter(([name]) => !ofAnother.test(name));
  return { ...Object.fromEntries(passed), VALKEY_URL: url };
}

export function standaloneHelp(): string {
  return settingsHelp("npm start --", specs);
}

/**
 * What the command-server in this process reads: the environment, except where it listens (loopback alone, unencrypted)
 * and who may use it, which are decided here.
 */
export function serverEnvironment(env: NodeJS.ProcessEnv = process.env): Record<string, string | undefined> {
  const decidedHere =
    /^(FLEETWIRE_HOME|AUTH_TOKEN_FILE|COMMAND_STORE|COMMAND_SERVER_(CONFIG|HOST|PORT|GRPC_HOST|GRPC_PORT|TLS_.*))$/;
  const passed = Object.entries(env).filter(([name]) => !decidedHere.test(name));
  return { COMMAND_SERVER_METRICS_PUBLIC: "true", ...Object.fromEntries(passed) };
}

/** What the demo agent and a private Valkey inherit: nothing that names or opens other installations. */
export function childEnvironment(env: NodeJS.ProcessEnv = process.env): Record<string, string | undefined> {
  const passed = ["PATH", "HOME", "USER", "LOGNAME", "SHELL", "LANG", "LC_ALL", "TZ", "TMPDIR", "FLEETWIRE_LOG_LEVEL"];
  return Object.fromEntries(passed.flatMap((name) => (env[name] === undefined ? [] : [[name, env[name]]])));
}
