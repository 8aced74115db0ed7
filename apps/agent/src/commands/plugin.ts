import { statSync } from "node:fs";
import { pathToFileURL } from "node:url";
import { Validator } from "@cfworker/json-schema";
import type { Logger } from "@fleetwire/service";
import { AgentError, exitCodes } from "../exit-codes.ts";
import type { Execution, ExecutionEnd, OutputSink } from "../execution/execution.ts";
import type { OutputStream } from "../ledger/records.ts";
import { isShipped, loadShipped } from "../plugins/shipped.ts";
import type { CommandHandler, CommandRequest } from "./handler.ts";

/** What a plug-in's function gets. */
export interface PluginRun {
  commandId: string;
  /** Checked against the plug-in's schema. */
  parameters: Readonly<Record<string, unknown>>;
  /** Aborted when the time is over, on cancel, and when the agent stops: end soon. */
  signal: AbortSignal;
  log: Logger;
  /** Adds to the command's output; await it, so that a slow server holds the plug-in back. */
  write: (stream: OutputStream, data: string | Uint8Array) => Promise<void>;
}

/** The default export of a plug-in file: one more type of command. It runs in the agent's process. */
export interface CommandPlugin {
  /** `[A-Z][A-Z0-9_]{0,63}`, and none of the built-in types. */
  type: string;
  /** JSON Schema (2020-12) of the parameters. */
  parameters?: Readonly<Record<string, unknown>>;
  /** Exit code 0–255. What it throws ends the command as `plugin_failed`. */
  run(run: PluginRun): Promise<{ exitCode: number }>;
}

export interface PluginLoader {
  /**
   * The plug-ins of these files and names, in order. A file that has changed since is loaded anew; what it imports isn't.
   *
   * @throws AgentError `badSettings`: a file can't be loaded or has no plug-in; names the file.
   */
  load(plugins: readonly string[]): Promise<CommandHandler[]>;
}

export function createPluginLoader(options: { killGraceMs: number; log: Logger }): PluginLoader {
  const loaded = new Map<string, { changedMs: number; handler: CommandHandler }>();

  async function loadOne(plugin: string): Promise<CommandHandler> {
    try {
      if (isShipped(plugin)) return pluginHandler(checkPlugin(await loadShipped(plugin)), options);
      const changedMs = statSync(plugin).mtimeMs;
      const before = loaded.get(plugin);
      if (before?.changedMs === changedMs) return before.handler;
      const { href } = pathToFileURL(plugin);
      const module = (await import(before === undefined ? href : `${href}?changed=${changedMs}`)) as {
        default?: unknown;
      };
      const handler = pluginHandler(checkPlugin(module.default), options);
      loaded.set(plugin, { changedMs, handler });
      return handler;
    } catch (error) {
      const reason = error instanceof Error ? error.message : String(error);
      throw new AgentError(exitCodes.badSettings, `the plug-in ${plugin} can't be loaded: ${reason}`, { cause: error });
    }
  }

  return {
    async load(plugins) {
      const handlers: CommandHandler[] = [];
      for (const plugin of plugins) handlers.push(await loadOne(plugin));
      return handlers;
    },
  };
}

// A server ends the session of an agent that announces a larger one.
const largestSchema = 64 * 1024;

function checkPlugin(value: unknown): CommandPlugin {
  if (typeof value !== "object" || value === null)
    throw new Error("its default export isn't { type, parameters, run }");
  const { type, parameters, run } = value as Partial<CommandPlugin>;
  if (typeof type !== "string" || !/^[A-Z][A-Z0-9_]{0,63}$/.test(type))
    throw new Error("`type` isn't [A-Z][A-Z0-9_]{0,63}");
  if (typeof run !== "function") throw new Error("`run` isn't a function");
  if (parameters !== undefined) {
    if (typeof parameters !== "object" || parameters === null) throw new Error("`parameters` isn't a JSON Schema");
    if (JSON.stringify(parameters).length > largestSchema) throw new Error("`parameters` is larger than 64 KiB");
    // Finds a schema that can't be used, such as one with a broken pattern, before a command does.
    new Validator(parameters, "2020-12").validate({});
  }
  return value as CommandPlugin;
}

/** A plug-in as a handler of commands. */
function pluginHandler(plugin: CommandPlugin, options: { killGraceMs: number; log: Logger }): CommandHandler {
  return {
    type: plugin.type,
    parametersSchema: plugin.parameters ?? null,
    lane: "work",
    recorded: true,
    run: (request, output) => runPlugin(plugin, request, output, options),
  };
}

function runPlugin(
  plugin: CommandPlugin,
  request: CommandRequest,
  output: OutputSink,
  { killGraceMs, log }: { killGraceMs: number; log: Logger },
): Execution {
  const abort = new AbortController();
  const givenUp = Promise.withResolvers<ExecutionEnd>();
  let flowing: PromiseWithResolvers<void> | null = null;
  let over = false;

  async function write(stream: OutputStream, data: string | Uint8Array): Promise<void> {
    if (over) return;
    output.write(stream, typeof data === "string" ? Buffer.from(data) : Buffer.from(data));
    await flowing?.promise;
  }

  async function run(): Promise<ExecutionEnd> {
    try {
      const { commandId, parameters } = request;
      const { exitCode } = await plugin.run({ commandId, parameters, signal: abort.signal, log, write });
      if (!Number.isInteger(exitCode) || exitCode < 0 || exitCode > 255) throw new Error(`exit code ${exitCode}`);
      return { outcome: "exited", exitCode, error: "", errorMessage: "" };
    } catch (error) {
      const errorMessage = error instanceof Error ? error.message : String(error);
      return { outcome: "failed", exitCode: -1, error: "plugin_failed", errorMessage };
    }
  }

  return {
    pid: null,
    ended: Promise.race([run(), givenUp.promise]).finally(() => {
      over = true;
      flowing?.resolve();
    }),
    stop() {
      abort.abort();
      flowing?.resolve();
      const errorMessage = "the plug-in didn't end when it was asked to; what it still does is ignored";
      const giveUp = (): void =>
        givenUp.resolve({ outcome: "failed", exitCode: -1, error: "plugin_stuck", errorMessage });
      setTimeout(giveUp, killGraceMs).unref();
    },
    kill: () => abort.abort(),
    pause: () => {
      flowing ??= Promise.withResolvers();
    },
    resume: () => {
      flowing?.resolve();
      flowing = null;
    },
  };
}
