import type { Command } from "commander";
import type { CommandView } from "../api/command.ts";
import { type Surroundings, withSession } from "../session.ts";
import { addPageOptions, type PageOptions, printPage } from "../terminal/page.ts";
import type { Column } from "../terminal/table.ts";
import { relativeTime, spokenDuration } from "../terminal/time.ts";
import type { Terminal } from "../terminal/terminal.ts";
import { paintStatus } from "./outcome.ts";

interface ListOptions extends PageOptions {
  agent?: string;
  status?: string[];
  type?: string;
}

/** `command list`: newest first. */
export function addList(parent: Command, surroundings: Surroundings): void {
  addPageOptions(
    parent
      .command("list")
      .summary("list commands, newest first")
      .option("--agent <id>", "of this agent")
      .option("--status <status,…>", "queued, assigned, completed, failed, timeout, cancelled, expired", splitList)
      .option("--type <type>", "of this type"),
  )
    .addHelpText(
      "after",
      `
Examples:
  fleetwire command list --agent a1 --status failed,timeout
  fleetwire command list --json --limit 500 | jq -r '.items[].commandId'`,
    )
    .action(async (options: ListOptions, command: Command) => {
      await withSession(command, surroundings, async (session) => {
        const { agent: agentId, status, type, limit, cursor } = options;
        const page = await session.client.commands({ agentId, status, type, limit, cursor });
        await printPage(session, page, columnsFor(session.terminal), "no commands");
      });
    });
}

function columnsFor({ out, now }: Terminal): Column<CommandView>[] {
  const at = now();
  return [
    { title: "COMMAND", text: (command) => command.commandId },
    {
      title: "STATUS",
      text: (command) => command.status,
      paint: (cell, { status }) => paintStatus(out.colors, status, cell),
    },
    { title: "EXIT", align: "right", text: ({ result }) => String(result?.exitCode ?? "") },
    { title: "AGENT", text: (command) => command.agentId },
    { title: "TYPE", text: (command) => command.type },
    { title: "QUEUED", text: ({ queuedAt }) => (queuedAt ? relativeTime(queuedAt, at) : "") },
    { title: "TOOK", align: "right", text: ({ result }) => tookText(result?.durationMs ?? null) },
    { title: "RUNS", text: (command) => command.summary },
  ];
}

function tookText(durationMs: number | null): string {
  return durationMs === null ? "" : spokenDuration(durationMs);
}

/** Values of an option that takes them separated by commas, and may be repeated. */
export function splitList(text: string, before: string[] = []): string[] {
  return [...before, ...text.split(",").map((part) => part.trim())].filter(Boolean);
}
