import type { Command } from "commander";
import type { RolloutView } from "../api/rollout.ts";
import { splitList } from "../command/list.ts";
import { type Surroundings, withSession } from "../session.ts";
import { addPageOptions, type PageOptions, printPage } from "../terminal/page.ts";
import type { Column } from "../terminal/table.ts";
import type { Terminal } from "../terminal/terminal.ts";
import { relativeTime, spokenDuration } from "../terminal/time.ts";
import { tallyOf } from "./counts.ts";
import { paintRollout } from "./outcome.ts";

interface ListOptions extends PageOptions {
  status?: string[];
}

/** `rollout list`: newest first. */
export function addRolloutList(parent: Command, surroundings: Surroundings): void {
  addPageOptions(
    parent
      .command("list")
      .summary("list rollouts, newest first")
      .option("--status <status,…>", "running, completed, halted, stopped", splitList),
  )
    .addHelpText("after", "\nExample:\n  fleetwire rollout list --status running,halted")
    .action(async ({ status, limit, cursor }: ListOptions, command: Command) => {
      await withSession(command, surroundings, async (session) => {
        const page = await session.client.rollouts.list({ status, limit, cursor });
        await printPage(session, page, columnsFor(session.terminal), "no rollouts");
      });
    });
}

function columnsFor({ out, now }: Terminal): Column<RolloutView>[] {
  const at = now();
  return [
    { title: "ROLLOUT", text: (rollout) => rollout.rolloutId },
    {
      title: "STATUS",
      text: ({ status }) => status,
      paint: (cell, rollout) => paintRollout(out.colors, rollout, cell),
    },
    { title: "DONE", align: "right", text: ({ counts }) => `${tallyOf(counts).done}/${counts.targets}` },
    {
      title: "FAILED",
      align: "right",
      text: ({ counts }) => String(counts.failed + counts.timeout || ""),
      paint: (cell) => out.colors.red(cell),
    },
    { title: "TYPE", text: (rollout) => rollout.type },
    { title: "STARTED", text: ({ createdAt }) => (createdAt ? relativeTime(createdAt, at) : "") },
    { title: "TOOK", align: "right", text: tookText },
    { title: "RUNS", text: (rollout) => rollout.summary },
  ];
}

function tookText({ createdAt, finishedAt }: RolloutView): string {
  return createdAt && finishedAt ? spokenDuration(finishedAt.getTime() - createdAt.getTime()) : "";
}
