import type { Command } from "commander";
import type { CommandView } from "../api/command.ts";
import { type Session, type Surroundings, withSession } from "../session.ts";
import { type Fact, factLines, instant } from "../terminal/facts.ts";
import { visibleText } from "../terminal/visible.ts";
import { spokenDuration } from "../terminal/time.ts";
import { describeOutcome, paintStatus } from "./outcome.ts";

/** `command status`: one command, with the end of its output. */
export function addStatus(parent: Command, surroundings: Surroundings): void {
  parent
    .command("status")
    .summary("show one command")
    .argument("<commandId>")
    .addHelpText("after", "\nExample:\n  fleetwire command status 01990b5e-… --json | jq -r .status")
    .action(async (commandId: string, _options: object, command: Command) => {
      await withSession(command, surroundings, async (session) => {
        const found = await session.client.command(commandId);
        if (session.json) await session.document(found.json);
        else await show(session, found);
      });
    });
}

async function show({ terminal, line }: Session, command: CommandView): Promise<void> {
  const now = terminal.now();
  const { colors } = terminal.out;
  const facts: Fact[] = [
    ["command", command.commandId],
    ["agent", command.agentId],
    ["type", command.type],
    ["runs", command.summary],
    ["status", describeOutcome(command), (cell) => paintStatus(colors, command.status, cell)],
    ["rollout", command.rolloutId],
    ["attempt", command.attempt],
    ["priority", command.priority],
    ["time limit", command.timeoutSeconds === null ? null : spokenDuration(command.timeoutSeconds * 1000)],
    ["queued", instant(command.queuedAt, now)],
    ["assigned", instant(command.assignedAt, now)],
    ["started", instant(command.startedAt, now)],
    ["cancel asked", instant(command.cancelRequestedAt, now)],
    ["finished", instant(command.finishedAt, now)],
    ["expires", command.startedAt || command.finishedAt ? null : instant(command.expiresAt, now)],
  ];
  for (const process of command.result?.leftRunning ?? []) facts.push(["left running", process]);
  for (const text of factLines(facts, colors)) await line(text);
  const output = command.result?.output;
  if (!output) return;
  await line("");
  await terminal.out.write(visibleText(output.endsWith("\n") ? output : `${output}\n`));
  if (command.result?.truncated) await terminal.note("fleetwire: the output is longer than what was kept");
}
