import { type Command, InvalidArgumentError } from "commander";
import { usageFailure } from "../failure.ts";
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

const defaultLimit = 50;

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
      .option("--text <text>", "with this in the first 4 KiB of its output")
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

async function showResults(session: Session, rolloutId: string, options: ResultsOptions): Promise<void> {
  const { status, exitCode, agent: agentId, text, limit = defaultLimit, cursor } = options;
  const query = { status, exitCode, agentId, text };
  let page = await session.client.rollouts.results(rolloutId, { ...query, limit, cursor });
  const items = [...page.items];
  // The server looks only so far at a time: a page may hold less than there is, or nothing.
  while (items.length < limit && page.nextCursor !== null) {
    page = await session.client.rollouts.results(rolloutId, {
      ...query,
      limit: limit - items.length,
      cursor: page.nextCursor,
    });
    items.push(...page.items);
  }
  const json = { ...page.json, items: items.map((item) => item.json) };
  await printPage(session, { ...page, json, items }, columnsFor(session.terminal), "no results");
}

async function showGroups(session: Session, rolloutId: string, options: ResultsOptions): Promise<void> {
  const { status, exitCode, agent, text, limit, cursor } = options;
  if (agent !== undefined || text !== undefined || cursor !== undefined) {
    throw usageFailure("--agent, --text and --cursor don't go with --group");
  }
  const groups = (await session.client.rollouts.groups(rolloutId))
    .filter((group) => status === undefined || status.includes(group.status))
    .filter((group) => exitCode === undefined || group.exitCode === exitCode)
    .slice(0, limit);
  if (session.json) return session.document(groups.map(({ json }) => json));
  if (groups.length === 0) return session.terminal.note("no results");
  return printGroups(session, groups);
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
