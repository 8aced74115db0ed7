import { createAllowList } from "../execution/allow-list.ts";
import type { OutputPipes } from "../execution/output-pipes.ts";
import { pingHandler, restartHandler, stopHandler } from "./control.ts";
import { factsHandler } from "./facts.ts";
import type { CommandHandler } from "./handler.ts";
import { type CommandTypes, createCommandTypes } from "./prepare.ts";
import { shellHandler } from "./shell.ts";

export interface BuiltInOptions {
  agentId: string;
  version: string;
  shell: string;
  /** SHELL commands that may run; null: all. */
  allow: readonly string[] | null;
  /** What commands get of the agent's own environment. */
  commandEnvironment: Readonly<Record<string, string>>;
  pipes: OutputPipes;
  killGraceMs: number;
  trackProcesses: boolean;
  types: readonly string[] | null;
}

/**
 * The types that every agent has, and those of its plug-ins, as far as they are to be offered (`types`; null: all).
 *
 * @throws AgentError `badSettings`: a plug-in has a name that is taken, or there is none of a name in `types`.
 */
export function composeTypes(options: BuiltInOptions, plugins: readonly CommandHandler[]): CommandTypes {
  const { agentId, version, shell, allow, commandEnvironment: environment } = options;
  const { pipes, killGraceMs, trackProcesses } = options;
  const allowList = allow === null ? null : createAllowList(allow);
  const all = [
    shellHandler({ agentId, shell, allowList, environment, pipes, killGraceMs, trackProcesses }),
    pingHandler,
    factsHandler({ agentId, version }),
    stopHandler,
    restartHandler,
    ...plugins,
  ];
  return createCommandTypes(all, options.types);
}
