import type { RetryPolicy } from "../commands/command.ts";
import type { HeldCommand, OpenSession } from "./command-store.ts";

/** A command that is assigned to an agent, as far as a hello decides about it. */
export interface AssignedRun {
  commandId: string;
  ledgerId: string;
  attempt: number;
  assignNo: number;
  started: boolean;
  cancelRequested: boolean;
  idempotent: boolean;
  retry: RetryPolicy | null;
  /** `expiresAt` has passed. */
  expired: boolean;
}

/**
 * What becomes of it:
 *
 *   the agent says                                      then
 *   running                                             keep_running: also marked started
 *   done                                                keep_done: until its result
 *   refused, or not held, above the horizon, unstarted  requeue; cancel, where a cancel was asked for
 *   not held, and it had started or may be forgotten    lose, or retry as the next attempt
 *   another ledger speaks                               lose, or retry as the next attempt
 *
 * Retried is what is idempotent or has a policy for `ledger_lost` with attempts left, unless a cancel was asked for or
 * its time to start is over.
 */
export type Settlement = "keep_running" | "keep_done" | "requeue" | "cancel" | "lose" | "retry";

/** Pure. The hello's `held` entries speak of a run only when id, attempt and number agree. */
export function settle(run: AssignedRun, hello: Pick<OpenSession, "ledgerId" | "horizon" | "held">): Settlement {
  if (run.ledgerId !== hello.ledgerId) return lost(run);
  const held = hello.held.find((entry) => isSameRun(entry, run));
  if (held?.state === "running") return "keep_running";
  if (held?.state === "done") return "keep_done";
  const neverStarted = held !== undefined || (run.assignNo > hello.horizon && !run.started);
  if (!neverStarted) return lost(run);
  return run.cancelRequested ? "cancel" : "requeue";
}

/** Whether a held entry is this assignment of the command. */
export function isSameRun(entry: HeldCommand, run: Pick<AssignedRun, "commandId" | "attempt" | "assignNo">): boolean {
  return entry.commandId === run.commandId && entry.attempt === run.attempt && entry.assignNo === run.assignNo;
}

function lost(run: AssignedRun): "lose" | "retry" {
  if (run.cancelRequested || run.expired) return "lose";
  const allowed = run.retry !== null && run.retry.on.includes("ledger_lost") && run.attempt < run.retry.maxAttempts;
  return run.idempotent || allowed ? "retry" : "lose";
}
