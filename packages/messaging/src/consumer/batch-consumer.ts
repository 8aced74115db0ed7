import { describeError } from "../errors.ts";
import type { Outcome } from "../outcome.ts";
import type { BatchHandler } from "../provider.ts";
import { startProcess } from "../tracing.ts";
import { createFlow, parsed, type Consumer, type ConsumerOptions } from "./consumer.ts";
import { done, outcomeOf } from "./decide.ts";
import { HeldDelivery } from "./held-delivery.ts";
import type { Incoming } from "./incoming.ts";

/** Handles deliveries in batches of up to `size`; a smaller one waits `waitMs` for more. One batch takes one slot. */
export function createBatchConsumer<T extends Incoming>(
  options: ConsumerOptions<T> & { handler: BatchHandler; size: number; waitMs: number },
): Consumer<T> {
  const { queue, group, handler, size, waitMs, parse, counts, tracing, clock, random } = options;
  const flow = createFlow({ ...options, concurrency: options.concurrency * size }, fill);
  let gathered: { delivery: T; held: HeldDelivery<unknown> }[] = [];
  let timer: NodeJS.Timeout | null = null;
  let slots = 0;

  // Each delivery of a batch has entered the flow; a slot is taken by the batch as a whole.
  function fill(): void {
    while (slots < options.concurrency) {
      const delivery = flow.next();
      if (delivery === undefined) break;
      gather(delivery);
      if (gathered.length >= size || delivery.redeliveries > 0) start();
    }
    if (gathered.length === 0) return;
    if (slots < options.concurrency && flow.stopping) start();
    else timer ??= setTimeout(startLate, waitMs);
  }

  function startLate(): void {
    timer = null;
    if (gathered.length > 0 && slots < options.concurrency) start();
  }

  function gather(delivery: T): void {
    try {
      const held = new HeldDelivery(delivery, parsed(delivery.message, parse), queue.name, group);
      flow.mention(delivery);
      gathered.push({ delivery, held });
    } catch (error) {
      flow.settler.settle(delivery, { kind: "dead", reason: "invalid_payload", error: describeError(error) }, 0);
      flow.ended(delivery);
    }
  }

  function start(): void {
    if (timer !== null) clearTimeout(timer);
    timer = null;
    const batch = gathered.filter(({ delivery }) => !delivery.lease.signal.aborted);
    const lost = gathered.filter(({ delivery }) => delivery.lease.signal.aborted);
    gathered = [];
    counts.lost.inc(lost.length);
    for (const { delivery } of lost) flow.ended(delivery);
    if (batch.length === 0) return;
    slots += 1;
    void run(batch);
  }

  async function run(batch: readonly { delivery: T; held: HeldDelivery<unknown> }[]): Promise<void> {
    const beganMs = clock.monotonicMs();
    const deliveries = batch.map(({ held }) => held);
    const span =
      tracing === null
        ? null
        : startProcess(
            tracing.with,
            tracing.system,
            { queue: queue.name, group },
            batch.map(({ delivery }) => delivery),
          );
    let outcomes: (delivery: T, at: number) => Outcome;
    try {
      const results = (await (span === null ? handler(deliveries) : span.run(() => handler(deliveries)))) ?? undefined;
      if (results !== undefined && results.length !== batch.length) {
        throw new Error(`the batch handler gave ${results.length} outcomes for ${batch.length} deliveries`);
      }
      outcomes = (delivery, at) => {
        const result: unknown = results?.[at];
        return result === undefined ? done : outcomeOf(result, delivery, queue, random);
      };
      span?.end();
    } catch (error) {
      outcomes = (delivery) => outcomeOf(error, delivery, queue, random);
      span?.end(error);
    }
    const durationMs = clock.monotonicMs() - beganMs;
    counts.duration.observe(durationMs / 1_000);
    slots -= 1;
    for (const { held } of batch) held.ended();
    batch.forEach(({ delivery }, at) => flow.settler.settle(delivery, outcomes(delivery, at), durationMs));
    for (const { delivery } of batch) flow.ended(delivery);
  }

  return {
    receive: flow.receive,
    get active() {
      return flow.active;
    },
    lost: flow.pump,
    wake: flow.pump,
    pause: flow.pause,
    resume: flow.resume,
    drain: flow.drain,
    quiet: flow.quiet,
    settleByHand: () => false,
    heldOf: () => [],
  };
}
