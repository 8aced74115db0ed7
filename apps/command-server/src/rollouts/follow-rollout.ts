import { isCommandId } from "../commands/find-command.ts";
import { unknownRollout } from "./find-rollout.ts";
import type { RolloutLooks } from "./rollout-looks.ts";
import { isSettled, type Rollout } from "./rollout.ts";

/** `progress`: the state or the counts have changed. `end`: nothing will change any more. */
export interface RolloutEvent {
  kind: "progress" | "end";
  rollout: Rollout;
}

/**
 * A rollout's counts now, then as they change, at most five times a second; `end` when it is over and none of its commands
 * lives. Nothing is held for a slow reader: he is told where it stands when he asks. Throws `rollout_unknown` before the
 * first event, and `store_unavailable`.
 */
export async function* followRollout(
  looks: RolloutLooks,
  o: { companyId: string; rolloutId: string; signal: AbortSignal },
): AsyncGenerator<RolloutEvent, void> {
  const { companyId, rolloutId, signal } = o;
  if (!isCommandId(rolloutId)) unknownRollout(rolloutId);
  const watch = looks.open(companyId, rolloutId);
  try {
    let told = "";
    while (!signal.aborted) {
      const seen = await watch.look();
      const rollout = seen.rollout ?? unknownRollout(rolloutId);
      const state = JSON.stringify([rollout.status, rollout.counts]);
      if (state !== told) yield { kind: "progress", rollout };
      told = state;
      if (isSettled(rollout)) {
        yield { kind: "end", rollout };
        return;
      }
      await watch.changed(seen, signal);
    }
  } finally {
    watch.close();
  }
}
