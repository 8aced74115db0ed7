import { existsSync, statSync } from "node:fs";
import type { AllowList } from "../execution/allow-list.ts";
import { failedExecution } from "../execution/execution.ts";
import type { OutputPipes } from "../execution/output-pipes.ts";
import { runProcess } from "../execution/process.ts";
import type { CommandHandler, CommandRequest } from "./handler.ts";

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
}

const parametersSchema = {
  type: "object",
  properties: { cwd: { type: "string", minLength: 1, description: "Working directory; default: the agent's." } },
};

/** SHELL: a line for the shell, or a program with arguments. */
export function shellHandler(options: ShellOptions): CommandHandler {
  const { allowList, shell } = options;
  return {
    type: "SHELL",
    parametersSchema,
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
      const { command, args } = request;
      const cwd = typeof request.parameters["cwd"] === "string" ? request.parameters["cwd"] : undefined;
      if (cwd !== undefined && !isDirectory(cwd))
        return failedExecution("spawn_failed", `there is no directory ${cwd}`);
      return runProcess({
        program: args === null ? shell : command,
        args: args ?? ["-c", command],
        cwd,
        env: environmentOf(request, options),
        output,
        pipes: options.pipes,
        killGraceMs: options.killGraceMs,
      });
    },
  };
}

function environmentOf(request: CommandRequest, options: ShellOptions): Record<string, string> {
  return {
    ...options.environment,
    FLEETWIRE_COMMAND_ID: request.commandId,
    FLEETWIRE_AGENT_ID: options.agentId,
    ...(request.traceparent === "" ? {} : { TRACEPARENT: request.traceparent }),
  };
}

function isDirectory(path: string): boolean {
  return statSync(path, { throwIfNoEntry: false })?.isDirectory() ?? false;
}

/** The shell to use where none is set. */
export function findShell(): string {
  return existsSync("/bin/bash") ? "/bin/bash" : "/bin/sh";
}
