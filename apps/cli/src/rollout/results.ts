import { type Command, InvalidArgumentError } from "commander";
import type { RolloutResult } from "../api/rollout-result.ts";
import { splitList } from "../command/list.ts";
import { paintStatus } from "../command/outcome.ts";
import { type Session, type Surroundings, withSession } from "../session.ts";
import { addPageOptions, type PageOptions, printPage } from "../terminal/page.ts";
import type { Column } from "../terminal/table.ts";
import type { Terminal } from "../terminal/terminal.ts";
import { spokenDuration } from "../terminal/time.ts";
import { printGroups } from "./groups.ts";

interface ResultsOptions extends PageOptions {
  status?: string[];
  exitCode?: number;
  agent?: string;
  text?: string;
  group?: boolean;
}

/** `rollout results`: what came out, agent by agent or grouped. */
export function addRolloutResults(parent: Command, surroundings: Surroundings): void {
  addPageOptions(
    parent
      .command("results")
      .summary("what came out, on which agent")
      .argument("<rolloutId>")
      .option("--status <status,…>", "completed, failed, timeout, cancelled, expired, queued, assigned", splitList)
      .option("--exit-code <n>", "with this exit code", exitCodeOption)
      .option("--agent <id>", "of this agent")
      .option("--text <text>", "with this in its output")
      .option("--group", "equal output once, with its number of agents"),
  )
    .addHelpText(
      "after",
      `
Examples:
  fleetwire rollout results 01990b5e-… --group
  fleetwire rollout results 01990b5e-… --status failed,timeout
  fleetwire rollout results 01990b5e-… --exit-code 127 --json | jq -r '.items[].agentId'`,
    )
    .action(async (rolloutId: string, options: ResultsOptions, command: Command) => {
      await withSession(command, surroundings, async (session) => {
        await (options.group ? showGroups(session, rolloutId, options) : showResults(session, rolloutId, options));
      });
    });
}

function queryOf({ status, exitCode, agent, text, limit, cursor }: ResultsOptions) {
  return { status, exitCode, agentId: agent, text, limit, cursor };
}

async function showResults(session: Session, rolloutId: string, options: ResultsOptions): Promise<void> {
  const page = await session.client.rollouts.results(rolloutId, queryOf(options));
  await printPage(session, page, columnsFor(session.terminal), "no results");
}

async function showGroups(session: Session, rolloutId: string, options: ResultsOptions): Promise<void> {
  const page = await session.client.rollouts.groups(rolloutId, queryOf(options));
  if (session.json) return session.document(page.json);
  if (page.items.length === 0) return session.terminal.note("no results");
  return printGroups(session, page.items);
}

function columnsFor({ out }: Terminal): Column<RolloutResult>[] {
  return [
    { title: "AGENT", text: (result) => result.agentId },
    {
      title: "STATUS",
      text: ({ status }) => status,
      paint: (cell, { status }) => paintStatus(out.colors, status, cell),
    },
    { title: "EXIT", align: "right", text: ({ result }) => String(result?.exitCode ?? "") },
    {
      title: "TOOK",
      align: "right",
      text: ({ result }) => (typeof result?.durationMs === "number" ? spokenDuration(result.durationMs) : ""),
    },
    { title: "COMMAND", text: (result) => result.commandId },
    { title: "OUTPUT", text: outcomeText },
  ];
}

/** Why it went wrong, where that is known, else the output as one line. */
function outcomeText({ result, output }: RolloutResult): string {
  const why = [result?.error, result?.errorMessage].filter(Boolean).join(": ");
  return [why && `(${why})`, output.trimEnd()].filter(Boolean).join(" ");
}

function exitCodeOption(text: string): number {
  if (!/^-?\d{1,10}$/.test(text)) throw new InvalidArgumentError("A whole number.");
  return Number(text);
}
