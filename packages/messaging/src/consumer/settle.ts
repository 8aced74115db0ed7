import type { Clock } from "../clock.ts";
import { describeError } from "../errors.ts";
import type { MessagingLog } from "../log.ts";
import type { Outcome } from "../outcome.ts";
import type { Queue } from "../queue-definition.ts";
import type { DeliveryReport, Reporter } from "../reports.ts";
import type { DeliveryPort, Incoming } from "./incoming.ts";
import type { ConsumerCounts } from "./counts.ts";

/** Brings outcomes to the broker, in order: report confirmed, retry or dead letter confirmed, acknowledged. */
export interface Settler<T extends Incoming> {
  settle(delivery: T, outcome: Outcome, durationMs: number): void;
  /** Outcomes under way. */
  readonly settling: number;
  /** Whether the broker refuses one, or reports: take nothing new. */
  readonly refused: boolean;
}

export interface SettlerOptions<T extends Incoming> {
  queue: Queue;
  group: string;
  port: DeliveryPort<T>;
  reporter: Reporter | null;
  counts: ConsumerCounts;
  clock: Clock;
  log: MessagingLog;
  /** Something may start again. */
  onChange: () => void;
}

const longestPauseMs = 5_000;

export function createSettler<T extends Incoming>(options: SettlerOptions<T>): Settler<T> {
  const { queue, group, port, reporter, counts, clock, log, onChange } = options;
  let settling = 0;
  let refusing = 0;

  async function settleSlowly(delivery: T, outcome: Outcome, durationMs: number): Promise<void> {
    settling += 1;
    try {
      // What is late changes nothing, and is no outcome to report.
      if (reporter !== null && !delivery.lease.signal.aborted)
        await reporter.confirmed(reportOf(delivery, outcome, durationMs));
      if (!delivery.lease.signal.aborted) await insist(delivery, outcome);
      count(delivery, outcome);
    } finally {
      settling -= 1;
      onChange();
    }
  }

  /** Until the broker takes it, or the lease is lost: nothing is dropped, and nothing new is started meanwhile. */
  async function insist(delivery: T, outcome: Outcome): Promise<void> {
    for (let failures = 0; ; failures++) {
      try {
        await tell(delivery, outcome);
        if (failures > 0) refusing -= 1;
        return;
      } catch (err) {
        if (failures === 0) {
          refusing += 1;
          log.warn(
            {
              queue: queue.name,
              group,
              messageId: delivery.message.id,
              attempt: delivery.attempt,
              err: describeError(err),
            },
            "an outcome can't be stored; the consumer takes nothing new until it is",
          );
        }
        await untilLost(delivery, Math.min(50 * 2 ** failures, longestPauseMs));
        if (!delivery.lease.signal.aborted) continue;
        refusing -= 1;
        return;
      }
    }
  }

  function tell(delivery: T, outcome: Outcome): void | Promise<void> {
    if (outcome.kind === "done") return port.complete(delivery);
    if (outcome.kind === "retry") return port.retry(delivery, outcome.delayMs, { error: outcome.error });
    if (queue.deadLetters === "discard") return port.complete(delivery);
    return port.deadLetter(delivery, outcome.reason, { error: outcome.error });
  }

  function count(delivery: T, outcome: Outcome): void {
    if (delivery.lease.signal.aborted) counts.lost.inc();
    else if (outcome.kind === "done") counts.completed.inc();
    else if (outcome.kind === "retry") counts.retried.inc();
    else counts.failed.inc();
    if (outcome.kind === "done") return;
    const fields = {
      queue: queue.name,
      group,
      messageId: delivery.message.id,
      attempt: delivery.attempt,
      err: outcome.error,
    };
    if (outcome.kind === "retry") log.debug({ ...fields, delayMs: outcome.delayMs }, "a delivery is tried again");
    else
      log.warn(
        { ...fields, code: outcome.reason },
        queue.deadLetters === "keep" ? "a delivery is a dead letter" : "a failed delivery is discarded",
      );
  }

  function reportOf(delivery: T, outcome: Outcome, durationMs: number): DeliveryReport {
    return {
      messageId: delivery.message.id,
      queue: queue.name,
      group,
      companyId: delivery.message.companyId,
      status: outcome.kind === "done" ? "completed" : outcome.kind === "retry" ? "retry" : "failed",
      attempt: delivery.attempt,
      at: clock.now().toISOString(),
      durationMs: Math.round(durationMs),
      ...(outcome.kind === "retry" ? { delayMs: outcome.delayMs } : {}),
      ...(outcome.kind === "dead" ? { reason: outcome.reason } : {}),
      ...(outcome.kind === "done" ? {} : { error: outcome.error }),
    };
  }

  return {
    settle: (delivery, outcome, durationMs) => {
      if (outcome.kind !== "done" || reporter !== null) {
        void settleSlowly(delivery, outcome, durationMs);
        return;
      }
      // The common case, without a promise of ours.
      const told = port.complete(delivery);
      if (told === undefined) count(delivery, outcome);
      else void settleSlowly(delivery, outcome, durationMs);
    },
    get settling() {
      return settling;
    },
    get refused() {
      return refusing > 0 || (reporter?.stalled ?? false);
    },
  };
}

async function untilLost(delivery: Incoming, ms: number): Promise<void> {
  const { signal } = delivery.lease;
  if (signal.aborted) return;
  const { promise, resolve } = Promise.withResolvers<void>();
  const timer = setTimeout(resolve, ms);
  const onAbort = (): void => resolve();
  signal.addEventListener("abort", onAbort, { once: true });
  await promise;
  clearTimeout(timer);
  signal.removeEventListener("abort", onAbort);
}
