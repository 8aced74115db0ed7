import type { Command } from "commander";
import { followRollout } from "../api/follow-rollout.ts";
import { exitCodes } from "../exit-codes.ts";
import { type Session, type Surroundings, withSession } from "../session.ts";
import { onInterrupt } from "../terminal/signals.ts";
import { visibleJson } from "../terminal/visible.ts";
import { detached, followToEnd } from "./follow.ts";
import { exitCodeOf } from "./outcome.ts";
import { reportEnd } from "./report.ts";

/** `rollout watch`: goes on following where `run` was left. */
export function addRolloutWatch(parent: Command, surroundings: Surroundings, finish: (code: number) => void): void {
  parent
    .command("watch")
    .summary("follow a rollout to its end")
    .description(
      "Shows how far a rollout is until it has ended, then what came out, and exits as run does.\n" +
        'With --json one event on each line: { "event": "progress" | "end", "progress" }.',
    )
    .argument("<rolloutId>")
    .addHelpText(
      "after",
      `
Examples:
  fleetwire rollout watch 01990b5e-…
  fleetwire rollout watch 01990b5e-… --json | jq .progress.counts.completed`,
    )
    .action(async (rolloutId: string, _options: object, command: Command) => {
      await withSession(command, surroundings, async (session) =>
        finish(session.json ? await printEvents(session, rolloutId) : await watch(session, rolloutId)),
      );
    });
}

async function watch(session: Session, rolloutId: string): Promise<number> {
  const rollout = await session.client.rollouts.get(rolloutId);
  const { createdAt, finishedAt } = rollout;
  const until = finishedAt ?? session.terminal.now();
  const goesForMs = createdAt ? Math.max(0, until.getTime() - createdAt.getTime()) : 0;
  return reportEnd(session, await followToEnd(session, rollout, performance.now() - goesForMs));
}

async function printEvents(session: Session, rolloutId: string): Promise<number> {
  const { client, terminal } = session;
  const leave = new AbortController();
  const stopListening = onInterrupt(() => leave.abort(detached(rolloutId)));
  let exitCode: number = exitCodes.ok;
  try {
    const events = followRollout(client, rolloutId, {
      signal: leave.signal,
      onLost: (why) => void terminal.note(`fleetwire: ${why}; trying again`),
    });
    for await (const { kind, progress } of events) {
      await session.line(visibleJson({ event: kind, progress: progress.json }));
      exitCode = exitCodeOf(progress);
    }
    return exitCode;
  } finally {
    stopListening();
  }
}
