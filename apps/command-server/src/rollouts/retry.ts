import { FleetwireError, type Principal } from "@fleetwire/service";
import { hashOf } from "../commands/work.ts";
import { errors } from "../errors.ts";
import type { CommandStore } from "../store/command-store.ts";
import { findRollout } from "./find-rollout.ts";
import { repeated, storeRollout, type AcceptedRollout, type RolloutDeps } from "./request-commands.ts";
import { isRetried } from "./rollout.ts";
import { selectTargets } from "./select.ts";

const pageSize = 5_000;

/**
 * A new rollout, with the same work and bounds, over the agents of an ended one whose command failed, timed out, expired,
 * was never queued or was cancelled by the rollout's end. Agents that were revoked since, or can't do it any more, count as
 * `unable`. An `expiresAt` lies as far ahead as it did before.
 *
 * Throws `rollout_unknown`, `rollout_running`, `no_targets`, `idempotency_key_reused`, `store_unavailable`.
 */
export async function retryRollout(
  deps: RolloutDeps,
  principal: Principal,
  rolloutId: string,
  o: { idempotencyKey?: string; traceparent: string | null },
): Promise<AcceptedRollout> {
  const { store, storeTime } = deps;
  const { companyId } = principal;
  const rollout = await findRollout(store, principal, rolloutId);
  const key = o.idempotencyKey;
  const idempotencyKey = key === undefined ? null : { key, bodyHash: hashOf({ retryOf: rolloutId }) };
  const before = await repeated(deps, companyId, idempotencyKey);
  if (before !== null) return before;
  if (rollout.status === "running") throw new FleetwireError(errors.rollout_running);

  const wanted = await retriedAgents(store, companyId, rolloutId);
  if (wanted.size === 0) throw new FleetwireError(errors.no_targets, undefined, { details: { unable: 0 } });
  const { agents, unable } = await selectTargets(store, { companyId }, rollout.template, wanted);

  const { template, expiresAt, createdAt, maxConcurrency, maxErrors, selection } = rollout;
  const createdBy = `${principal.kind}:${principal.id}`;
  const windowMs = expiresAt === null ? null : expiresAt.getTime() - createdAt.getTime();
  return storeRollout(deps, agents, {
    companyId,
    template: { ...template, createdBy, traceparent: o.traceparent },
    expiresAt: windowMs === null ? null : new Date((await storeTime()).getTime() + windowMs),
    maxConcurrency,
    maxErrors,
    selection,
    unable,
    retryOf: rolloutId,
    idempotencyKey,
    createdBy,
  });
}

async function retriedAgents(store: CommandStore, companyId: string, rolloutId: string): Promise<Set<string>> {
  const agents = new Set<string>();
  for (let cursor: string | null = null; ;) {
    const page = await store.rolloutTargets({ companyId, rolloutId, limit: pageSize, cursor });
    for (const { agentId, status, error } of page.items) if (isRetried(status, error)) agents.add(agentId);
    if (page.nextCursor === null) return agents;
    cursor = page.nextCursor;
  }
}
