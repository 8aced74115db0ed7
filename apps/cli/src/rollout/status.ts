import type { Command } from "commander";
import type { RolloutView } from "../api/rollout.ts";
import { type Session, type Surroundings, withSession } from "../session.ts";
import { type Fact, factLines, instant } from "../terminal/facts.ts";
import { spokenDuration } from "../terminal/time.ts";
import { countsText, paintRollout } from "./outcome.ts";
import { selectionText } from "./selection.ts";

/** `rollout status`: one rollout, as it is now. */
export function addRolloutStatus(parent: Command, surroundings: Surroundings): void {
  parent
    .command("status")
    .summary("show one rollout")
    .argument("<rolloutId>")
    .addHelpText("after", "\nExample:\n  fleetwire rollout status 01990b5e-… --json | jq .counts")
    .action(async (rolloutId: string, _options: object, command: Command) => {
      await withSession(command, surroundings, async (session) => {
        const rollout = await session.client.rollouts.get(rolloutId);
        if (session.json) await session.document(rollout.json);
        else await show(session, rollout);
      });
    });
}

async function show({ terminal, line }: Session, rollout: RolloutView): Promise<void> {
  const now = terminal.now();
  const { colors } = terminal.out;
  const { counts, maxErrors, timeoutSeconds, unable } = rollout;
  const facts: Fact[] = [
    ["rollout", rollout.rolloutId],
    ["status", rollout.status, (cell) => paintRollout(colors, rollout, cell)],
    ["agents", countsText(rollout)],
    ["errors", maxErrors === null ? null : `${counts.errors}; more than ${maxErrors} halt it`],
    ["type", rollout.type],
    ["runs", rollout.summary],
    ["for", selectionText(rollout.selection)],
    ["unable", unable === 0 ? null : `${unable} that were meant and can't run it`],
    ["at a time", rollout.maxConcurrency],
    ["priority", rollout.priority],
    ["time limit", timeoutSeconds === null ? null : spokenDuration(timeoutSeconds * 1000)],
    ["retry of", rollout.retryOf],
    ["by", rollout.createdBy],
    ["started", instant(rollout.createdAt, now)],
    ["over", instant(rollout.finishedAt, now)],
  ];
  for (const text of factLines(facts, colors)) await line(text);
}
