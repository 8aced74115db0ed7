import { existsSync } from "node:fs";
import type { AllowList } from "../execution/allow-list.ts";
import type { OutputPipes } from "../execution/output-pipes.ts";
import { runProcess } from "../execution/process.ts";
import { createProcessFinder } from "../execution/process-finder.ts";
import { markerVariables, type RunMarker } from "../execution/run-marker.ts";
import type { CommandHandler } from "./handler.ts";

export interface ShellOptions {
  agentId: string;
  /** Runs lines as `<shell> -c <line>`. */
  shell: string;
  /** Null: everything is allowed. */
  allowList: AllowList | null;
  /** What a command's environment is made of. */
  environment: Readonly<Record<string, string>>;
  /** For the output of commands. */
  pipes: OutputPipes;
  killGraceMs: number;
  /** Whether processes are looked for that leave their command's group. */
  trackProcesses: boolean;
}

/** SHELL: a line for the shell, or a program with arguments. */
export function shellHandler(options: ShellOptions): CommandHandler {
  const { allowList, shell } = options;
  const finder = options.trackProcesses ? createProcessFinder() : null;
  return {
    type: "SHELL",
    parametersSchema: null,
    lane: "work",
    recorded: true,
    reject({ command, args }) {
      if (command.trim() === "") return { error: "invalid_parameters", errorMessage: "there is no command" };
      const allowed =
        allowList === null || (args === null ? allowList.allowsLine(command) : allowList.allowsProgram(command, args));
      return allowed
        ? null
        : { error: "not_allowed", errorMessage: "the agent's allow-list doesn't have this command" };
    },
    run(request, output) {
      const { command, args, commandId, attempt, traceparent } = request;
      const marker: RunMarker = { agentId: options.agentId, commandId, attempt };
      return runProcess({
        program: args === null ? shell : command,
        args: args ?? ["-c", asOperand(command)],
        env: {
          ...options.environment,
          ...markerVariables(marker),
          ...(traceparent === "" ? {} : { TRACEPARENT: traceparent }),
        },
        marker,
        finder,
        output,
        pipes: options.pipes,
        killGraceMs: options.killGraceMs,
      });
    },
  };
}

/** A line that begins like an option would be one for the shell; not every shell knows `--`. */
function asOperand(line: string): string {
  return /^[-+]/.test(line) ? ` ${line}` : line;
}

/** The shell to use where none is set. */
export function findShell(): string {
  return existsSync("/bin/bash") ? "/bin/bash" : "/bin/sh";
}
