import { followRollout } from "../api/follow-rollout.ts";
import type { RolloutView } from "../api/rollout.ts";
import { exitCodes } from "../exit-codes.ts";
import { CliFailure } from "../failure.ts";
import type { Session } from "../session.ts";
import { onInterrupt } from "../terminal/signals.ts";
import { createProgressView } from "./progress-view.ts";
import { createWaitingNote } from "./waiting-note.ts";

/**
 * Shows how far a rollout is until it has ended, and gives it as it is then. `startedMs` is when that began, on the
 * monotonic clock. Ctrl-C leaves the rollout to itself: throws a CliFailure (130) that says how to go on.
 */
export async function followToEnd(session: Session, rollout: RolloutView, startedMs: number): Promise<RolloutView> {
  const { rolloutId, maxErrors } = rollout;
  const leave = new AbortController();
  const stopListening = onInterrupt(() => leave.abort(detached(rolloutId)));
  const view = createProgressView(session.terminal, { startedMs, maxErrors });
  const waiting = createWaitingNote((words) => void view.note(`fleetwire: ${words}`));
  let now = rollout;
  try {
    view.show(now.counts);
    const events = followRollout(session.client, rolloutId, {
      signal: leave.signal,
      onLost: (why) => void view.note(`fleetwire: ${why}; trying again`),
    });
    for await (const { progress } of events) {
      now = { ...now, ...progress, json: { ...now.json, ...progress.json } };
      view.show(now.counts);
      waiting.see(now.counts);
    }
    return now;
  } finally {
    stopListening();
    waiting.end();
    await view.end();
  }
}

/** What Ctrl-C ends the following with. */
export function detached(rolloutId: string): CliFailure {
  return new CliFailure(exitCodes.detached, `no longer following; rollout ${rolloutId} goes on`, {
    hint: `fleetwire rollout watch ${rolloutId}\n  fleetwire rollout stop ${rolloutId}`,
  });
}
