import type { Command } from "commander";
import type { CommandView } from "../api/command.ts";
import { exitCodes } from "../exit-codes.ts";
import { CliFailure } from "../failure.ts";
import { type Session, type Surroundings, withSession } from "../session.ts";
import { onInterrupt } from "../terminal/signals.ts";
import { visibleLine } from "../terminal/visible.ts";
import { durationOption } from "./request-options.ts";
import { waitForEnd } from "./wait.ts";

interface CancelOptions {
  wait?: boolean;
  timeout?: number;
}

/** `command cancel`: one or many. Ctrl-C stops between two and says how far it came. */
export function addCancel(parent: Command, surroundings: Surroundings, finish: (code: number) => void): void {
  parent
    .command("cancel")
    .summary("cancel commands")
    .description(
      "Cancels at once what is queued and asks the agent to end what runs (status stays assigned until it has).\n" +
        "Goes on after one that can't be cancelled; the exit code is that of the first such.",
    )
    .argument("<commandId...>")
    .option("--wait", "until each has ended")
    .option("--timeout <duration>", "with --wait: how long to wait for each", durationOption)
    .addHelpText(
      "after",
      "\nExample:\n  fleetwire command list --status queued --json | jq -r '.items[].commandId' | xargs fleetwire command cancel",
    )
    .action(async (commandIds: string[], options: CancelOptions, command: Command) => {
      await withSession(command, surroundings, async (session) =>
        finish(await cancelAll(session, commandIds, options)),
      );
    });
}

async function cancelAll(session: Session, commandIds: string[], options: CancelOptions): Promise<number> {
  let interrupted = false;
  const stopListening = onInterrupt((count) => {
    if (count > 1) process.exit(exitCodes.detached);
    interrupted = true;
    void session.terminal.note("fleetwire: stopping after this one; Ctrl-C again stops at once");
  });
  let exitCode: number = exitCodes.ok;
  let done = 0;
  try {
    for (const commandId of commandIds) {
      if (interrupted) break;
      try {
        await print(session, await cancelOne(session, commandId, options));
      } catch (error) {
        if (!(error instanceof CliFailure)) throw error;
        await session.terminal.note(`fleetwire: ${commandId}: ${error.message}`);
        exitCode ||= error.exitCode;
        // Nothing else would get through either.
        if (error.exitCode === exitCodes.unreachable || error.exitCode === exitCodes.notAllowed) break;
      }
      done += 1;
    }
  } finally {
    stopListening();
  }
  if (done < commandIds.length) await session.terminal.note(`fleetwire: ${done} of ${commandIds.length} were treated`);
  return interrupted ? exitCodes.detached : exitCode;
}

async function cancelOne(session: Session, commandId: string, options: CancelOptions): Promise<CommandView> {
  const answer = await session.client.cancel(commandId);
  if (!options.wait) return answer;
  await waitForEnd(session, commandId, options.timeout);
  return session.client.command(commandId);
}

async function print(session: Session, { json, commandId, status }: CommandView): Promise<void> {
  if (session.json) return session.document(json);
  return session.line(visibleLine(`${commandId}  ${status === "assigned" ? "cancelling" : status}`));
}
