import { backoffMs } from "../backoff.ts";
import { describeError } from "../errors.ts";
import { Reject, Retry, type Outcome } from "../outcome.ts";
import type { Queue } from "../queue-definition.ts";
import type { Incoming } from "./incoming.ts";

export const done: Outcome = { kind: "done" };

/** What becomes of a delivery whose handler threw `error`. */
export function outcomeOf(error: unknown, delivery: Incoming, queue: Queue, random: () => number): Outcome {
  if (error instanceof Reject) return { kind: "dead", reason: "rejected", error: describeError(error) };
  const retries = delivery.maxRetries ?? queue.retry.maxRetries;
  if (delivery.attempt > retries) return { kind: "dead", reason: "attempts_exhausted", error: describeError(error) };
  const asked = error instanceof Retry ? error.afterMs : undefined;
  return {
    kind: "retry",
    delayMs: asked ?? backoffMs(queue.retry, delivery.attempt, random),
    error: describeError(error),
  };
}
