import type { RolloutView } from "../api/rollout.ts";
import type { Session } from "../session.ts";
import { printGroups } from "./groups.ts";
import { describeOutcome, exitCodeOf } from "./outcome.ts";

const shownGroups = 20;

/** Tells how a rollout ended: its groups of equal output on stdout, the counts on stderr. Gives the exit code. */
export async function reportEnd(session: Session, rollout: RolloutView): Promise<number> {
  const { terminal, client } = session;
  const { rolloutId } = rollout;
  try {
    const groups = await client.rollouts.groups(rolloutId);
    if (session.json) {
      await session.document({ ...rollout.json, groups: groups.map(({ json }) => json) });
    } else {
      await printGroups(session, groups.slice(0, shownGroups));
      const more = groups.length - shownGroups;
      if (more > 0)
        await terminal.note(`fleetwire: ${more} smaller groups: fleetwire rollout results ${rolloutId} --group`);
    }
  } finally {
    await terminal.note(`fleetwire: ${describeOutcome(rollout)}`);
  }
  return exitCodeOf(rollout);
}
