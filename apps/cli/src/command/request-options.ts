import { type Command, InvalidArgumentError, Option } from "commander";
import type { CommandRequest, Work } from "../api/request.ts";
import { usageFailure } from "../failure.ts";
import { parseDuration } from "../terminal/time.ts";
import { mergeParams, type ParamsInput } from "./params.ts";

/** Options of every subcommand that has something run: what, and how. */
export interface WorkOptions {
  type: string;
  shellLine?: string;
  params?: ParamsInput;
  timeLimit?: number;
  priority?: number;
  expiresIn?: number;
  idempotencyKey?: string;
  idempotent?: boolean;
  attempts?: number;
}

/** Options of every subcommand that queues a command for one agent. */
export interface RequestOptions extends WorkOptions {
  agent: string;
  allowUnknownAgent?: boolean;
}

const priorities: Record<string, number> = { low: 4, normal: 6, high: 8, urgent: 9 };

export function addRequestOptions(command: Command): Command {
  return addWorkOptions(command.requiredOption("--agent <id>", "the agent that is to run it")).addOption(
    new Option("--allow-unknown-agent", "queue it even if no such agent has enrolled yet"),
  );
}

export function addWorkOptions(command: Command): Command {
  return command
    .option("--type <type>", "SHELL, PING, FACTS, STOP, RESTART or a type of the agent's own", "SHELL")
    .option("--shell-line <line>", 'a line for the agent\'s shell, where it begins with "-"')
    .option("--params <k=v,…|json>", "parameters of the type; may be repeated", mergeParams)
    .option("--time-limit <duration>", "how long it may run, such as 90s or 2h (default 5m)", durationOption)
    .option("--priority <level>", "0–10, or low, normal, high, urgent", priorityOption)
    .option("--expires-in <duration>", "not started by then: expired (default 24h)", durationOption)
    .option("--idempotency-key <key>", "the same key and command again queue nothing new")
    .option("--idempotent", "running it twice does no harm")
    .option("--attempts <n>", "runs allowed when one is interrupted (2–10; default: never again)", attemptsOption);
}

/** What `addRequestOptions` reads. Throws as `readWork` does. */
export function readRequest(
  options: RequestOptions,
  operands: readonly string[],
  rawArgs: readonly string[],
  now: Date,
): CommandRequest {
  return {
    agentId: options.agent,
    ...readWork(options, operands, rawArgs, now),
    ...(options.allowUnknownAgent ? { allowUnknownAgent: true } : {}),
  };
}

/**
 * What to run: operands before `--` are one line for the agent's shell; what stands after `--` is a program and its
 * arguments, run without a shell. Nothing is interpreted here. Throws a CliFailure (64) when it is neither or both.
 */
export function readWork(
  options: WorkOptions,
  operands: readonly string[],
  rawArgs: readonly string[],
  now: Date,
): Work {
  const dashes = rawArgs.indexOf("--");
  const argv = dashes === -1 ? [] : operands.slice(operands.length - (rawArgs.length - dashes - 1));
  const lines = operands.slice(0, operands.length - argv.length);
  if (options.shellLine !== undefined) lines.push(options.shellLine);
  return {
    type: options.type,
    ...whatToRun(options.type, lines, dashes === -1 ? null : argv),
    ...(options.params ? { parameters: options.params } : {}),
    ...(options.timeLimit === undefined ? {} : { timeoutSeconds: Math.max(1, Math.ceil(options.timeLimit / 1000)) }),
    ...(options.priority === undefined ? {} : { priority: options.priority }),
    ...(options.expiresIn === undefined
      ? {}
      : { expiresAt: new Date(now.getTime() + options.expiresIn).toISOString() }),
    ...(options.idempotencyKey === undefined ? {} : { idempotencyKey: options.idempotencyKey }),
    ...(options.idempotent ? { idempotent: true } : {}),
    ...(options.attempts === undefined ? {} : { retry: { maxAttempts: options.attempts } }),
  };
}

function whatToRun(type: string, lines: string[], argv: string[] | null): { command?: string; args?: string[] } {
  if (type !== "SHELL") {
    if (lines.length > 0 || argv?.length) throw usageFailure(`${type} takes --params and no line to run`);
    return {};
  }
  if (argv !== null) {
    const [program, ...args] = argv;
    if (program === undefined) throw usageFailure('a program belongs after "--"');
    if (lines.length > 0) throw usageFailure('give a line for the shell, or a program after "--", not both');
    return { command: program, args };
  }
  const [line, ...more] = lines;
  if (line === undefined) throw usageFailure("what is to run? A line for the agent's shell, or -- program arguments…");
  if (more.length > 0) {
    throw usageFailure(
      'the line for the shell is one argument: quote it, or put "--" before a program and its arguments',
    );
  }
  return { command: line };
}

export function durationOption(text: string): number {
  const ms = parseDuration(text);
  if (ms === null || ms <= 0) throw new InvalidArgumentError("A duration is written 500ms, 30s, 5m, 24h or 7d.");
  return ms;
}

export function integerOption(least: number, most: number): (text: string) => number {
  return (text) => {
    const value = /^\d+$/.test(text) ? Number(text) : Number.NaN;
    if (!(value >= least && value <= most)) throw new InvalidArgumentError(`A whole number from ${least} to ${most}.`);
    return value;
  };
}

const attemptsOption = integerOption(2, 10);
const anyPriority = integerOption(0, 10);

function priorityOption(text: string): number {
  return priorities[text] ?? anyPriority(text);
}
