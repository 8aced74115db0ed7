import type { Command } from "commander";
import type { RolloutRequest } from "../api/request.ts";
import type { Started } from "../api/rollout.ts";
import { addWorkOptions, integerOption, readWork, type WorkOptions } from "../command/request-options.ts";
import { followRun } from "../command/run.ts";
import { exitCodes } from "../exit-codes.ts";
import { type Session, type Surroundings, withSession } from "../session.ts";
import { visibleLine } from "../terminal/visible.ts";
import { followToEnd } from "./follow.ts";
import { reportEnd } from "./report.ts";
import { addTargetOptions, readSelector, type TargetOptions } from "./target-options.ts";

interface RunOptions extends WorkOptions, TargetOptions {
  maxConcurrency?: number;
  maxErrors?: number;
  pickOne?: boolean;
  dryRun?: boolean;
  detach?: boolean;
}

/** `rollout run`: one request for many agents, followed to its end. */
export function addRolloutRun(parent: Command, surroundings: Surroundings, finish: (code: number) => void): void {
  const run = addTargetOptions(parent.command("run"))
    .summary("run a command on many agents, show what came out")
    .description(
      "Queues a command for every agent that fits, shows how far it is, then equal output once with its number of agents.\n" +
        "Exits with 0 when it completed on every agent, with 1 when it did not. Ctrl-C stops following, not the rollout.",
    )
    .argument("[line...]", 'a line for the agents\' shell (one argument); or "--", a program and its arguments')
    .option("--max-concurrency <n>", "at most this many at a time (default: all at once)", integerOption(1, 100_000))
    .option("--max-errors <n>", "more errors than this halt it (default: it goes on)", integerOption(0, 100_000))
    .option("--pick-one", "only on the least loaded agent that can: like command run")
    .option("--dry-run", "only say whom it would reach")
    .option("--detach", "return at once and print the rollout's id");
  addWorkOptions(run)
    .addHelpText(
      "after",
      `
With --json: the rollout as it ended, with its groups of equal output.

Examples:
  fleetwire rollout run --fleet edge --dry-run uptime                            whom would it reach?
  fleetwire rollout run --fleet edge 'df -h / | tail -1'                         equal output is shown once
  fleetwire rollout run --label role=web --max-concurrency 5 --max-errors 2 -- systemctl restart nginx
  fleetwire rollout run --capability SCAN --online --type SCAN --detach
  fleetwire rollout run --fleet workers --pick-one -- ./nightly-job              on one agent, with its output`,
    )
    .action(async (operands: string[], options: RunOptions, command: Command) => {
      const request: RolloutRequest = {
        selector: readSelector(options),
        ...readWork(options, operands, surroundings.args, surroundings.terminal.now()),
        ...(options.maxConcurrency === undefined ? {} : { maxConcurrency: options.maxConcurrency }),
        ...(options.maxErrors === undefined ? {} : { maxErrors: options.maxErrors }),
        ...(options.pickOne ? { pick: "one" } : {}),
        ...(options.dryRun ? { dryRun: true } : {}),
      };
      await withSession(command, surroundings, async (session) => {
        const startedMs = performance.now();
        const answer = await session.client.rollouts.start(request);
        finish(await goOn(session, answer, { startedMs, detach: options.detach === true }));
      });
    });
}

/** What comes after a rollout was asked for; gives the exit code. */
export async function goOn(
  session: Session,
  answer: Started,
  { startedMs, detach }: { startedMs: number; detach: boolean },
): Promise<number> {
  const { terminal } = session;
  if (answer.kind === "dryRun") return tellWhom(session, answer);
  if (answer.kind === "picked") await terminal.note(`fleetwire: ${answer.agentId} runs it, as ${answer.commandId}`);
  else await terminal.note(`fleetwire: rollout ${answer.rolloutId} for ${reachText(answer)}`);
  if (detach) {
    if (session.json) await session.document(answer.json);
    else await session.line(visibleLine(answer.kind === "picked" ? answer.commandId : answer.rolloutId));
    return exitCodes.ok;
  }
  if (answer.kind === "picked") return followRun(session, answer.commandId, false);
  const rollout = await session.client.rollouts.get(answer.rolloutId);
  return reportEnd(session, await followToEnd(session, rollout, startedMs));
}

async function tellWhom(session: Session, answer: Extract<Started, { kind: "dryRun" }>): Promise<number> {
  const { agents, targets } = answer;
  if (session.json) await session.document(answer.json);
  else for (const agent of agents) await session.line(visibleLine(agent));
  const shown = agents.length < targets ? `; the first ${agents.length} of them are shown` : "";
  await session.terminal.note(`fleetwire: it would reach ${reachText(answer)}${shown}`);
  return exitCodes.ok;
}

/** "97 agents; 3 more can't run it". */
function reachText({ targets, unable }: { targets: number; unable: number }): string {
  const unableText = unable > 0 ? `; ${unable} more can't run it` : "";
  return `${targets} ${targets === 1 ? "agent" : "agents"}${unableText}`;
}
