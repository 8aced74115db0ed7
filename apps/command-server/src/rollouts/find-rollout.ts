import { FleetwireError, type Logger, type Principal } from "@fleetwire/service";
import { isCommandId } from "../commands/find-command.ts";
import { errors } from "../errors.ts";
import type { CommandStore, StopRolloutOutcome } from "../store/command-store.ts";
import type { Rollout } from "./rollout.ts";
import type { RolloutMetrics } from "./rollout-metrics.ts";

/** A rollout of the principal's company; one of another company doesn't exist. Throws `rollout_unknown`. */
export async function findRollout(store: CommandStore, principal: Principal, rolloutId: string): Promise<Rollout> {
  const rollout = isCommandId(rolloutId) ? await store.getRollout(principal.companyId, rolloutId) : null;
  return rollout ?? unknownRollout(rolloutId);
}

/** Throws `rollout_unknown`. */
export function unknownRollout(rolloutId: string): never {
  throw new FleetwireError(errors.rollout_unknown, undefined, { details: { rolloutId: rolloutId.slice(0, 64) } });
}

/**
 * Stops a running rollout; with `cancelRunning`, also asks what an ended one still runs to end.
 * Throws `rollout_unknown`, and `rollout_ended` where there was nothing to stop.
 */
export async function stopRollout(
  { store, metrics, log }: { store: CommandStore; metrics: RolloutMetrics; log: Logger },
  principal: Principal,
  rolloutId: string,
  cancelRunning: boolean,
): Promise<Exclude<StopRolloutOutcome, { kind: "not_found" }>> {
  if (!isCommandId(rolloutId)) unknownRollout(rolloutId);
  const outcome = await store.stopRollout(principal.companyId, rolloutId, { cancelRunning });
  switch (outcome.kind) {
    case "stopped": {
      const { companyId, status, counts } = outcome.rollout;
      metrics.ended(status, outcome.cancelled);
      log.info({ rolloutId, companyId, status, ...counts }, "rollout ended");
      return outcome;
    }
    case "already_ended":
      if (outcome.cancelRequested > 0) return outcome;
      throw new FleetwireError(errors.rollout_ended, undefined, { details: { status: outcome.rollout.status } });
    case "not_found":
      return unknownRollout(rolloutId);
  }
}
