/**
 * A rollout (one request that became many commands) and the rules of its life. Pure: no clock, no database; the
 * adapters of the store and both faces of the API speak in these types.
 *
 * Transitions, each one atomic step of the store under the rollout's own lock:
 *
 *   from     to         when
 *   running  completed  every target has been queued, and every command has ended
 *   running  halted     more errors than `maxErrors`
 *   running  stopped    by an operator
 *
 * The last three never change. A halted or stopped rollout queues nothing more and its queued commands are cancelled;
 * what its agents run goes on, so that its counts may still move.
 */
import type { CommandStatus, JsonObject, Lane, RetryPolicy } from "../commands/command.ts";

export const rolloutStatuses = ["running", "completed", "halted", "stopped"] as const;
export type RolloutStatus = (typeof rolloutStatuses)[number];

/** What each command of a rollout is made of. */
export interface RolloutTemplate {
  type: string;
  lane: Lane;
  command: string | null;
  args: string[] | null;
  parameters: JsonObject;
  timeoutMs: number;
  priority: number;
  idempotent: boolean;
  retry: RetryPolicy | null;
  traceparent: string | null;
  /** Principal, `kind:id`. */
  createdBy: string;
}

export interface RolloutCounts {
  targets: number;
  /** Targets whose command hasn't been queued yet; of an ended rollout, those that never will be. */
  pending: number;
  /** Commands in each state. Together with `pending` they are the targets. */
  queued: number;
  assigned: number;
  completed: number;
  failed: number;
  timeout: number;
  cancelled: number;
  expired: number;
  /** Of `failed` and `timeout`, those that `maxErrors` counts. */
  errors: number;
}

/** One rollout as stored. Instants are the store's clock. */
export interface Rollout {
  rolloutId: string;
  companyId: string;
  status: RolloutStatus;
  template: RolloutTemplate;
  /** Of each command; null: the default, counted from when it is queued. */
  expiresAt: Date | null;
  maxConcurrency: number | null;
  maxErrors: number | null;
  /** What was asked for, as it was asked. */
  selection: JsonObject;
  /** Agents that the selection found and that can't do it. */
  unable: number;
  /** The rollout whose failed targets these are. */
  retryOf: string | null;
  createdBy: string;
  createdAt: Date;
  /** When it stopped being `running`; commands may still run. */
  finishedAt: Date | null;
  counts: RolloutCounts;
}

/** Errors of commands that a rollout ended with its own end, before they were assigned. */
export const cancelledByRollout = { halted: "rollout_halted", stopped: "rollout_stopped" } as const;

/** Whether this end of a command counts against `maxErrors`: it ran and failed. What was never delivered doesn't. */
export function isError(status: CommandStatus, error: string | null): boolean {
  return status === "failed" || (status === "timeout" && error !== "start_unknown");
}

/**
 * Whether a retry takes the target on again: it failed, timed out or expired, or the rollout ended before it began.
 * Not what an operator cancelled by itself.
 */
export function isRetried(status: CommandStatus | "pending" | "removed", error: string | null): boolean {
  if (status === "pending" || status === "failed" || status === "timeout" || status === "expired") return true;
  return status === "cancelled" && (error === cancelledByRollout.halted || error === cancelledByRollout.stopped);
}

/** Whether nothing about the rollout will change any more. */
export function isSettled({ status, counts }: Pick<Rollout, "status" | "counts">): boolean {
  return status !== "running" && counts.queued === 0 && counts.assigned === 0;
}

/** Where a rollout stands, as far as the next step depends on it. */
export interface Standing {
  status: RolloutStatus;
  pending: number;
  /** Commands that are queued, and those that are queued or assigned; needn't be counted beyond `maxConcurrency`. */
  queued: number;
  live: number;
  /** Needn't be counted beyond `maxErrors` + 1. */
  errors: number;
  maxConcurrency: number | null;
  maxErrors: number | null;
  /** `expiresAt` is over: what is queued now is never assigned. */
  expired: boolean;
}

export type Step =
  /** Nothing to do before a command ends. */
  | { do: "wait" }
  | { do: "queue"; count: number }
  /** Cancel what is queued: the rollout is halted with this step, or had ended and a run came back. */
  | { do: "halt" }
  | { do: "cancel" }
  | { do: "complete" }
  /** Ended, and no command lives: the counts are final. */
  | { do: "settle" };

/** What the next step of a rollout is: queues at most `limit`. */
export function nextStep(now: Standing, limit: number): Step {
  if (now.status !== "running") {
    if (now.queued > 0) return { do: "cancel" };
    return now.live > 0 ? { do: "wait" } : { do: "settle" };
  }
  if (now.maxErrors !== null && now.errors > now.maxErrors) return { do: "halt" };
  if (now.pending === 0) return now.live > 0 ? { do: "wait" } : { do: "complete" };
  const count = Math.min(limit, now.pending, freeOf(now));
  return count > 0 ? { do: "queue", count } : { do: "wait" };
}

/** How many more commands may live. Those that can't be assigned any more don't run beside others. */
function freeOf({ maxConcurrency, live, expired }: Standing): number {
  return maxConcurrency === null || expired ? Infinity : Math.max(0, maxConcurrency - live);
}
