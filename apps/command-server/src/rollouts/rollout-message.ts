import type { RolloutInput, RolloutStatus as StatusMessage, WatchRolloutResponseInput } from "@fleetwire/proto";
import { timestamp } from "../commands/command-message.ts";
import type { RolloutEvent } from "./follow-rollout.ts";
import type { Rollout, RolloutStatus } from "./rollout.ts";
import type { Selector } from "./target-request.ts";

const statusMessages = {
  running: "ROLLOUT_STATUS_RUNNING",
  completed: "ROLLOUT_STATUS_COMPLETED",
  halted: "ROLLOUT_STATUS_HALTED",
  stopped: "ROLLOUT_STATUS_STOPPED",
} as const satisfies Record<RolloutStatus, StatusMessage>;

const statuses = new Map<string, RolloutStatus>(
  Object.entries(statusMessages).map(([status, message]) => [message, status as RolloutStatus]),
);

export function rolloutStatusMessage(status: RolloutStatus): StatusMessage {
  return statusMessages[status];
}

/** Null for the unspecified one and for numbers that this version doesn't know. */
export function rolloutStatusOf(message: string | number): RolloutStatus | null {
  return statuses.get(String(message)) ?? null;
}

/** A rollout as the gRPC API shows it. */
export function rolloutMessage(rollout: Rollout): RolloutInput {
  const { template } = rollout;
  return {
    rolloutId: rollout.rolloutId,
    status: statusMessages[rollout.status],
    counts: rollout.counts,
    selector: selectorMessage(rollout),
    type: template.type,
    command: template.command ?? "",
    ...(template.args === null ? {} : { args: { values: template.args } }),
    parametersJson: JSON.stringify(template.parameters),
    timeoutSeconds: Math.round(template.timeoutMs / 1000),
    priority: template.priority,
    idempotent: template.idempotent,
    expiresAt: timestamp(rollout.expiresAt),
    retry: template.retry === null ? null : { maxAttempts: template.retry.maxAttempts, on: [...template.retry.on] },
    maxConcurrency: rollout.maxConcurrency ?? 0,
    ...(rollout.maxErrors === null ? {} : { maxErrors: rollout.maxErrors }),
    unable: rollout.unable,
    retryOf: rollout.retryOf ?? "",
    createdBy: rollout.createdBy,
    createdAt: timestamp(rollout.createdAt),
    finishedAt: timestamp(rollout.finishedAt),
  };
}

/** How far a rollout is, for who watches it. */
export function progressMessage({ kind, rollout }: RolloutEvent): WatchRolloutResponseInput {
  return {
    status: statusMessages[rollout.status],
    counts: rollout.counts,
    finishedAt: timestamp(rollout.finishedAt),
    settled: kind === "end",
  };
}

/** Whom it was asked for; over HTTP a fleet can also be named without a selector. */
function selectorMessage({ selection }: Rollout): Selector {
  // What was stored is what had been checked.
  const { fleetId, selector } = selection as { fleetId?: string; selector?: Selector };
  return fleetId === undefined ? { ...selector } : { fleet: fleetId };
}
