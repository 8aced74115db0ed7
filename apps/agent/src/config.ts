import { statSync } from "node:fs";
import { hostname } from "node:os";
import { dirname, join, resolve } from "node:path";
import { loadSettings, SettingsError, settingsHelp } from "@fleetwire/service";
import { findShell } from "./commands/shell.ts";
import { AgentError, exitCodes } from "./exit-codes.ts";
import { selectEnvironment } from "./execution/environment.ts";
import { isShipped } from "./plugins/shipped.ts";
import { specs } from "./settings.ts";

/** The text of `--help`. */
export function helpText(): string {
  const launcher = "  --no-launcher\n      Run in this process, for service managers that restart it themselves.";
  const file =
    "  --config\n      A YAML file with settings; lists may have commas in their entries there. Read again when it changes, and on SIGHUP.";
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
  // A relative plug-in in the settings file is beside it.
  const beside = file === undefined ? "." : dirname(file);
  // Looked at before it is read: a change in between is one that is still to be seen.
  const settingsFile = file === undefined ? null : { path: file, version: fileVersion(file) };
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
    /** Files, and names of those that the agent brings. */
    plugins: settings.plugins.map((plugin) => (isShipped(plugin) ? plugin : resolve(beside, plugin))),
    /** Null: all that there are. */
    types: settings.types ?? null,
    /** What settings are read from beside flags and environment. */
    settingsFile,
    killGraceMs: settings.killGrace,
    trackProcesses: settings.trackProcesses,
    drainGraceMs: settings.drainGrace,
    /** 0: never by itself. */
    factsIntervalMs: settings.factsInterval,
    factsDelayMs: settings.factsDelay,
    logLevel: settings.logLevel,
  };
}

/** What tells one content of a file from the next without reading it. */
export function fileVersion(path: string): string {
  const found = statSync(path, { throwIfNoEntry: false });
  return found === undefined ? "missing" : `${found.ino}:${found.size}:${found.mtimeMs}`;
}

function load(argv: readonly string[], environment: NodeJS.ProcessEnv, file: string | undefined) {
  try {
    return loadSettings(specs, { service: "agent", env: environment, argv, ...(file === undefined ? {} : { file }) });
  } catch (error) {
    if (error instanceof SettingsError) throw wrong(error.message);
    throw error;
  }
}

/** Whether settings come from a file too, which may be read again. */
export function hasConfigFile(argv: readonly string[]): boolean {
  return argv.some(isConfigFlag);
}

function isConfigFlag(argument: string): boolean {
  return argument === "--config" || argument.startsWith("--config=");
}

function takeConfigFile(argv: readonly string[]): { file: string | undefined; rest: readonly string[] } {
  const at = argv.findIndex(isConfigFlag);
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
