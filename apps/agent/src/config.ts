import { hostname } from "node:os";
import { dirname, join, resolve } from "node:path";
import {
  choice,
  duration,
  flag,
  integer,
  list,
  loadSettings,
  path,
  secret,
  SettingsError,
  settingsHelp,
  text,
} from "@fleetwire/service";
import { findShell } from "./commands/shell.ts";
import { AgentError, exitCodes } from "./exit-codes.ts";
import { defaultEnvironmentNames, selectEnvironment } from "./execution/environment.ts";

const specs = {
  server: text({
    env: ["FLEETWIRE_SERVER"],
    flag: "server",
    default: "127.0.0.1:50051",
    doc: "The command-server's gRPC address, host:port.",
  }),
  id: text({
    env: ["FLEETWIRE_AGENT_ID"],
    flag: "id",
    pattern: /^[A-Za-z0-9_][A-Za-z0-9._-]{0,127}$/,
    optional: true,
    doc: "This agent's id, unique in an installation; not set: the host name.",
  }),
  joinToken: secret({
    env: ["FLEETWIRE_JOIN_TOKEN"],
    flag: "join-token",
    optional: true,
    doc: "Enrols the agent at its first start; not needed afterwards. As a flag it can be seen in lists of processes.",
  }),
  fleet: text({
    env: ["FLEETWIRE_FLEET"],
    flag: "fleet",
    pattern: /^[A-Za-z0-9._-]{1,128}$/,
    optional: true,
    doc: "Fleet; not set: the join token's.",
  }),
  labels: list({ env: ["FLEETWIRE_LABELS"], flag: "labels", default: [], doc: "Labels, each key=value." }),
  concurrency: integer({
    env: ["FLEETWIRE_CONCURRENCY"],
    flag: "concurrency",
    default: 4,
    min: 1,
    max: 1_000,
    doc: "Commands that may run at once.",
  }),
  home: path({ env: ["FLEETWIRE_HOME"], default: ".fleetwire", doc: "Where --data-dir is, unless it is set." }),
  dataDir: path({
    env: ["FLEETWIRE_AGENT_DATA_DIR"],
    flag: "data-dir",
    optional: true,
    doc: "Key, enrolment and ledger; not set: agents/<id> in FLEETWIRE_HOME.",
  }),
  ledger: path({
    env: ["FLEETWIRE_LEDGER"],
    flag: "ledger",
    optional: true,
    doc: "The ledger's file; not set: ledger.db in the data directory.",
  }),
  shell: path({
    env: ["FLEETWIRE_SHELL"],
    flag: "shell",
    optional: true,
    doc: "Runs SHELL lines with -c; not set: /bin/bash, else /bin/sh.",
  }),
  allow: list({
    env: ["FLEETWIRE_ALLOW"],
    flag: "allow",
    optional: true,
    doc: "SHELL commands that may run (README says how they are matched); not set: all.",
  }),
  envAllow: list({
    env: ["FLEETWIRE_ENV_ALLOW"],
    flag: "env-allow",
    default: [...defaultEnvironmentNames],
    doc: "Variables of the agent that commands see; * at the end stands for any rest.",
  }),
  plugins: list({ env: ["FLEETWIRE_PLUGINS"], flag: "plugins", default: [], doc: "Files of plug-ins." }),
  tls: flag({ env: ["FLEETWIRE_TLS"], flag: "tls", default: false, doc: "TLS with the system's authorities." }),
  caFile: path({
    env: ["FLEETWIRE_CA_FILE"],
    flag: "ca-file",
    optional: true,
    doc: "TLS with the authorities in this PEM file.",
  }),
  certFile: path({
    env: ["FLEETWIRE_CERT_FILE"],
    flag: "cert-file",
    optional: true,
    doc: "The agent's own certificate (PEM), for a server that asks for one; needs --key-file.",
  }),
  keyFile: path({
    env: ["FLEETWIRE_KEY_FILE"],
    flag: "key-file",
    optional: true,
    doc: "The private key of --cert-file (PEM).",
  }),
  tlsServerName: text({
    env: ["FLEETWIRE_TLS_SERVER_NAME"],
    flag: "tls-server-name",
    optional: true,
    doc: "Name in the server's certificate, where it isn't the host of --server.",
  }),
  killGrace: duration({
    env: ["FLEETWIRE_KILL_GRACE"],
    flag: "kill-grace",
    default: "5s",
    max: 600_000,
    doc: "Between TERM and KILL of a command.",
  }),
  trackProcesses: flag({
    env: ["FLEETWIRE_TRACK_PROCESSES"],
    flag: "track-processes",
    default: true,
    doc: "Look for processes that left their command's group (Linux): ended on timeout and cancel, else told.",
  }),
  drainGrace: duration({
    env: ["FLEETWIRE_DRAIN_GRACE"],
    flag: "drain-grace",
    default: "30s",
    max: 86_400_000,
    doc: "How long running commands may go on when the agent stops.",
  }),
  logLevel: choice({
    env: ["FLEETWIRE_LOG_LEVEL"],
    flag: "log-level",
    values: ["trace", "debug", "info", "warn", "error"],
    default: "info",
    doc: "Least level that is logged.",
  }),
} as const;

/** The text of `--help`. */
export function helpText(): string {
  const launcher = "  --no-launcher\n      Run in this process, for service managers that restart it themselves.";
  const file = "  --config\n      A YAML file with settings; lists may have commas in their entries there.";
  return `${settingsHelp("fleetwire-agent", specs).trimEnd()}\n${file}\n${launcher}\n`;
}

export type AgentConfig = ReturnType<typeof readConfig>;

/**
 * Settings from flags, environment and the file that `--config` names. Durations in ms, paths absolute.
 *
 * @throws AgentError `badSettings` with one line for each problem.
 */
export function readConfig(argv: readonly string[], environment: NodeJS.ProcessEnv = process.env) {
  const { file, rest } = takeConfigFile(argv);
  const settings = load(rest, environment, file);
  const agentId = settings.id ?? hostname();
  const dataDirectory = settings.dataDir ?? join(settings.home, "agents", agentId);
  return {
    agentId,
    dataDirectory,
    ledgerFile: settings.ledger ?? join(dataDirectory, "ledger.db"),
    address: {
      server: settings.server,
      tls: settings.tls,
      caFile: settings.caFile,
      certFile: settings.certFile,
      keyFile: settings.keyFile,
      tlsServerName: settings.tlsServerName,
    },
    joinToken: settings.joinToken,
    fleet: settings.fleet ?? "",
    labels: parseLabels(settings.labels),
    concurrency: settings.concurrency,
    shell: settings.shell ?? findShell(),
    /** Null: everything. */
    allow: settings.allow ?? null,
    /** What commands get of the agent's own environment. */
    commandEnvironment: selectEnvironment(environment, settings.envAllow),
    // A relative plug-in in the settings file is beside it.
    plugins: settings.plugins.map((plugin) => resolve(file === undefined ? "." : dirname(file), plugin)),
    killGraceMs: settings.killGrace,
    trackProcesses: settings.trackProcesses,
    drainGraceMs: settings.drainGrace,
    logLevel: settings.logLevel,
  };
}

function load(argv: readonly string[], environment: NodeJS.ProcessEnv, file: string | undefined) {
  try {
    return loadSettings(specs, { service: "agent", env: environment, argv, ...(file === undefined ? {} : { file }) });
  } catch (error) {
    if (error instanceof SettingsError) throw wrong(error.message);
    throw error;
  }
}

function takeConfigFile(argv: readonly string[]): { file: string | undefined; rest: readonly string[] } {
  const at = argv.findIndex((argument) => argument === "--config" || argument.startsWith("--config="));
  const argument = argv[at];
  if (argument === undefined) return { file: undefined, rest: argv };
  const inline = argument.startsWith("--config=");
  const file = inline ? argument.slice("--config=".length) : argv[at + 1];
  if (file === undefined || file === "") throw wrong("agent: --config: expected a file after it");
  return { file: resolve(file), rest: argv.toSpliced(at, inline ? 1 : 2) };
}

function parseLabels(entries: readonly string[]): Record<string, string> {
  const labels = new Map<string, string>();
  for (const entry of entries) {
    const [, key, value] = /^([^=\p{Cc}]+)=(\P{Cc}*)$/u.exec(entry) ?? [];
    if (key === undefined || value === undefined || key === "__proto__" || Math.max(key.length, value.length) > 128)
      throw wrong(`agent: --labels: expected key=value, at most 128 characters each, got ${JSON.stringify(entry)}`);
    if (labels.has(key)) throw wrong(`agent: --labels: ${key} is there twice`);
    labels.set(key, value);
  }
  if (labels.size > 64) throw wrong(`agent: --labels: ${labels.size} labels, at most 64`);
  return Object.fromEntries(labels);
}

function wrong(message: string): AgentError {
  return new AgentError(exitCodes.badSettings, message);
}
