import { type Command, CommanderError } from "commander";
import { readEnvironment } from "./config.ts";
import { exitCodes } from "./exit-codes.ts";
import { CliFailure } from "./failure.ts";
import type { Surroundings } from "./session.ts";
import { ClosedPipe, createTerminal, type Terminal } from "./terminal/terminal.ts";

/** Runs a program of this package in this process, to its exit code. Never rejects. */
export async function runProgram(
  createProgram: (surroundings: Surroundings, finish: (code: number) => void) => Command,
): Promise<number> {
  const environment = readEnvironment();
  const terminal = createTerminal(process, environment);
  const args = process.argv.slice(2);
  let exitCode: number = exitCodes.ok;
  try {
    const program = createProgram({ args, environment, terminal, cwd: process.cwd() }, (code) => {
      exitCode = code;
    });
    prepare(program);
    await program.parseAsync(args, { from: "user" });
    return exitCode;
  } catch (error) {
    return explain(error, terminal);
  }
}

/** Errors of the command line are thrown, and every command inherits that. */
function prepare(command: Command): void {
  command
    .exitOverride()
    .configureOutput({ outputError: () => undefined })
    .showHelpAfterError(false);
  for (const child of command.commands) prepare(child);
}

async function explain(error: unknown, terminal: Terminal): Promise<number> {
  if (error instanceof ClosedPipe) return exitCodes.closedPipe;
  if (error instanceof CommanderError) return explainUsage(error, terminal);
  if (error instanceof CliFailure) {
    await terminal.note(`fleetwire: ${error.message}`);
    if (error.hint) await terminal.note(`  ${error.hint}`);
    return error.exitCode;
  }
  await terminal.note(
    `fleetwire: this is a bug: ${error instanceof Error ? (error.stack ?? error.message) : String(error)}`,
  );
  return exitCodes.internal;
}

async function explainUsage(error: CommanderError, terminal: Terminal): Promise<number> {
  // Help and version that were asked for have been printed.
  if (error.exitCode === 0) return exitCodes.ok;
  if (error.code !== "commander.help") {
    await terminal.note(`fleetwire: ${error.message.replace(/^error: /, "")} (see --help)`);
  }
  return exitCodes.usage;
}
