import { describeError } from "../errors.ts";
import type { Outcome } from "../outcome.ts";
import type { Delivery, Handler } from "../provider.ts";
import { startProcess, type ProcessSpan } from "../tracing.ts";
import { createFlow, parsed, type Consumer, type ConsumerOptions } from "./consumer.ts";
import { done, outcomeOf } from "./decide.ts";
import { HeldDelivery } from "./held-delivery.ts";
import type { Incoming } from "./incoming.ts";

interface ByHand<T> {
  held: HeldDelivery<unknown>;
  delivery: T;
  beganMs: number;
}

/** Handles deliveries one by one, up to `concurrency` at a time. */
export function createSingleConsumer<T extends Incoming>(
  options: ConsumerOptions<T> & { handler: Handler; mode: "automatic" | "manual" },
): Consumer<T> {
  const { queue, group, handler, mode, parse, counts, tracing, clock, random } = options;
  const byHand = new Map<Delivery, ByHand<T>>();
  const flow = createFlow(options, fill);

  function fill(): void {
    for (let delivery = flow.next(); delivery !== undefined; delivery = flow.next()) start(delivery);
  }

  function start(delivery: T): void {
    let held: HeldDelivery<unknown>;
    try {
      held = new HeldDelivery(delivery, parsed(delivery.message, parse), queue.name, group);
    } catch (error) {
      finish(delivery, { kind: "dead", reason: "invalid_payload", error: describeError(error) }, 0);
      return;
    }
    flow.mention(delivery);
    if (mode === "manual") byHand.set(held, { held, delivery, beganMs: clock.monotonicMs() });
    const span =
      tracing === null ? null : startProcess(tracing.with, tracing.system, { queue: queue.name, group }, [delivery]);
    run(delivery, held, span);
  }

  function run(delivery: T, held: HeldDelivery<unknown>, span: ProcessSpan | null): void {
    const beganMs = clock.monotonicMs();
    let result: unknown;
    try {
      result = span === null ? handler(held) : span.run(() => handler(held));
    } catch (error) {
      failed(error);
      return;
    }
    if (isThenable(result)) Promise.resolve(result).then(succeeded, failed);
    else succeeded();

    function succeeded(): void {
      if (mode === "automatic") held.ended();
      span?.end();
      if (mode === "automatic") finish(delivery, done, clock.monotonicMs() - beganMs);
    }
    function failed(error: unknown): void {
      span?.end(error);
      if (mode === "manual" && !byHand.delete(held)) return;
      held.ended();
      finish(delivery, outcomeOf(error, delivery, queue, random), clock.monotonicMs() - beganMs);
    }
  }

  function finish(delivery: T, outcome: Outcome, durationMs: number): void {
    counts.duration.observe(durationMs / 1_000);
    flow.settler.settle(delivery, outcome, durationMs);
    flow.ended(delivery);
  }

  return {
    receive: flow.receive,
    get active() {
      return flow.active;
    },
    lost: () => {
      for (const [held, { delivery }] of byHand) {
        if (!delivery.lease.signal.aborted) continue;
        byHand.delete(held);
        counts.lost.inc();
        flow.ended(delivery);
      }
      flow.pump();
    },
    wake: flow.pump,
    pause: flow.pause,
    resume: flow.resume,
    drain: flow.drain,
    quiet: flow.quiet,
    settleByHand: (held, error) => {
      const found = byHand.get(held);
      if (found === undefined) return false;
      byHand.delete(held);
      const { delivery, beganMs } = found;
      found.held.ended();
      if (delivery.lease.signal.aborted) {
        counts.lost.inc();
        flow.ended(delivery);
        return false;
      }
      finish(
        delivery,
        error === undefined ? done : outcomeOf(error, delivery, queue, random),
        clock.monotonicMs() - beganMs,
      );
      return true;
    },
    heldOf: (messageId) => [...byHand.keys()].filter((held) => held.message.id === messageId),
  };
}

/** A query builder is one too, and does nothing until it is awaited. */
function isThenable(value: unknown): value is PromiseLike<unknown> {
  return typeof value === "object" && value !== null && "then" in value && typeof value.then === "function";
}
