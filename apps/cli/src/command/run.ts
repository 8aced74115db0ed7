import type { Command } from "commander";
import type { CommandView } from "../api/command.ts";
import { followCommand } from "../api/follow.ts";
import { exitCodes } from "../exit-codes.ts";
import { CliFailure } from "../failure.ts";
import { type Session, type Surroundings, withSession } from "../session.ts";
import { createOutputPrinter } from "../terminal/output-printer.ts";
import { onInterrupt } from "../terminal/signals.ts";
import { describeOutcome, exitCodeOf, isRemoteCode } from "./outcome.ts";
import { addRequestOptions, readRequest, type RequestOptions } from "./request-options.ts";

interface RunOptions extends RequestOptions {
  raw?: boolean;
}

/** After this long in `queued` the operator is told what is waited for, ms. */
const explainAfterMs = 2_000;

/** `command run`: send, follow the output, end as the command ended. */
export function addRun(parent: Command, surroundings: Surroundings, finish: (code: number) => void): void {
  addRequestOptions(parent.command("run"))
    .summary("run a command, show its output, exit with its exit code")
    .description(
      "Queues a command, writes its stdout and stderr to ours as they come, and exits with its exit code.\n" +
        "Ctrl-C asks the agent to cancel it; a second Ctrl-C leaves it to itself and returns.",
    )
    .argument("[line...]", 'a line for the agent\'s shell (one argument); or "--", a program and its arguments')
    .option("--wait", "what run does anyway")
    .option("--raw", "on a terminal: let escape sequences of the output through")
    .addHelpText(
      "after",
      `
Examples:
  fleetwire command run --agent a1 'ps aux | sort -rk3 | head -5'    a line: the agent's shell interprets it
  fleetwire command run --agent a1 -- ls -l '/srv/my files'          a program: no shell, arguments as they stand
  fleetwire command run --agent a1 --shell-line '-v || true'         a line that begins with "-"
  fleetwire command run --agent a1 --json -- id | jq .result.exitCode`,
    )
    .action(async (operands: string[], options: RunOptions, command: Command) => {
      const request = readRequest(options, operands, surroundings.args, surroundings.terminal.now());
      await withSession(command, surroundings, async (session) => {
        const { commandId } = await session.client.send(request);
        finish(await followRun(session, commandId, options.raw === true));
      });
    });
}

/** Follows a command to its end, its output to ours, and gives the exit code. */
export async function followRun(session: Session, commandId: string, raw: boolean): Promise<number> {
  const { client, terminal } = session;
  const detach = new AbortController();
  const stopListening = onInterrupt((count) => {
    if (count > 1) return detach.abort(detached(commandId));
    void terminal.note("fleetwire: cancelling; Ctrl-C again leaves the command to itself");
    client.cancel(commandId).catch((error: unknown) => terminal.note(`fleetwire: can't cancel: ${messageOf(error)}`));
  });
  let status = "queued";
  const explain = setTimeout(() => {
    if (status === "queued") void terminal.note(`fleetwire: ${commandId} waits for its agent to take it`);
  }, explainAfterMs);
  const printer = createOutputPrinter(terminal, { raw, silent: session.json });
  try {
    const events = followCommand(client, commandId, {
      signal: detach.signal,
      onLost: (why) => void terminal.note(`fleetwire: ${why}; trying again`),
    });
    for await (const event of events) {
      if (event.kind === "output") await printer.output(event.stream, event.data);
      else if (event.kind === "gap") await printer.gap(event.bytes);
      else status = event.command.status;
      if (event.kind === "end") await printer.end();
      if (event.kind === "end") return await report(session, event.command);
    }
    throw new CliFailure(exitCodes.internal, "the command's events ended without an end");
  } finally {
    clearTimeout(explain);
    stopListening();
  }
}

async function report(session: Session, ended: CommandView): Promise<number> {
  if (session.json) await session.document((await session.client.command(ended.commandId)).json);
  if (!isRemoteCode(ended)) await session.terminal.note(`fleetwire: ${describeOutcome(ended)}`);
  return exitCodeOf(ended);
}

function detached(commandId: string): CliFailure {
  return new CliFailure(exitCodes.detached, `detached; ${commandId} may still run`, {
    hint: `fleetwire command logs --follow ${commandId}`,
  });
}

function messageOf(error: unknown): string {
  return error instanceof Error ? error.message : String(error);
}
