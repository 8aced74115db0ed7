import type { Command } from "commander";
import type { CommandView } from "../api/command.ts";
import { exitCodes } from "../exit-codes.ts";
import { type Session, type Surroundings, withSession } from "../session.ts";
import { visibleText } from "../terminal/visible.ts";
import { describeOutcome, exitCodeOf } from "./outcome.ts";
import { addRequestOptions, durationOption, readRequest, type RequestOptions } from "./request-options.ts";
import { waitForEnd } from "./wait.ts";

interface SendOptions extends RequestOptions {
  wait?: boolean;
  timeout?: number;
}

/** `command send`: queues a command and returns; with --wait, when it has ended. */
export function addSend(parent: Command, surroundings: Surroundings, finish: (code: number) => void): void {
  addRequestOptions(parent.command("send"))
    .summary("queue a command and return")
    .description("Queues a command and prints its id. With --wait it returns when the command has ended.")
    .argument("[line...]", 'a line for the agent\'s shell (one argument); or "--", a program and its arguments')
    .option("--wait", "wait for its end, and exit with its exit code")
    .option("--timeout <duration>", "with --wait: how long to wait (default: until it ends)", durationOption)
    .addHelpText(
      "after",
      `
Examples:
  fleetwire command send --agent a1 'df -h / | tail -1'
  fleetwire command send --agent a1 --wait --timeout 1m -- systemctl restart nginx
  fleetwire command send --agent a1 --type PING --wait
  fleetwire command send --agent a1 --type STOP --params reason=maintenance`,
    )
    .action(async (operands: string[], options: SendOptions, command: Command) => {
      const request = readRequest(options, operands, surroundings.args, surroundings.terminal.now());
      await withSession(command, surroundings, async (session) => {
        const queued = await session.client.send(request);
        if (options.wait) return finish(await reportEnd(session, queued.commandId, options.timeout));
        if (session.json) await session.document(queued.json);
        else await session.line(queued.commandId);
        return finish(exitCodes.ok);
      });
    });
}

/** Waits for the end of a command, prints it, and gives the exit code. */
export async function reportEnd(session: Session, commandId: string, timeoutMs: number | undefined): Promise<number> {
  const { terminal, client } = session;
  if (!session.json) await terminal.note(commandId);
  await waitForEnd(session, commandId, timeoutMs);
  const ended = await client.command(commandId);
  if (session.json) await session.document(ended.json);
  else await printEnd(session, ended);
  return exitCodeOf(ended);
}

async function printEnd(session: Session, ended: CommandView): Promise<void> {
  const { out } = session.terminal;
  const output = ended.result?.output ?? "";
  if (output) await out.write(out.isTerminal ? visibleText(output) : output);
  await session.terminal.note(`fleetwire: ${describeOutcome(ended)}`);
}
