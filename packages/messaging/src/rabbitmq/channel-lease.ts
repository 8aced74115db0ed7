import type { Channel, ConsumeMessage } from "amqplib";
import type { RabbitMQMetrics } from "./metrics.ts";

/**
 * The lease of all deliveries of one channel: when the channel is gone, the broker gives them to somebody else.
 * Acknowledgements of one turn of the event loop leave together, as few frames.
 */
export interface ChannelLease {
  readonly signal: AbortSignal;
  readonly delivered: (raw: ConsumeMessage) => void;
  readonly ack: (raw: ConsumeMessage) => void;
  /** Back to the queue. */
  readonly release: (raw: ConsumeMessage) => void;
  /** Sends what waits to be sent. */
  readonly flush: () => void;
  readonly lose: () => void;
}

export function leaseOf(
  channel: Channel,
  metrics: RabbitMQMetrics,
  settled: (raw: ConsumeMessage) => void,
): ChannelLease {
  const controller = new AbortController();
  const { signal } = controller;
  /** Tags that aren't settled, ascending. */
  const open = new Set<number>();
  let acked: ConsumeMessage[] = [];
  let scheduled: NodeJS.Immediate | undefined;

  function flush(): void {
    clearImmediate(scheduled);
    scheduled = undefined;
    const batch = acked;
    acked = [];
    if (signal.aborted || batch.length === 0) return;
    try {
      send(batch);
    } catch {
      // the channel closes just now: the broker delivers them again
    }
  }

  function send(batch: readonly ConsumeMessage[]): void {
    const [lowestOpen = Number.POSITIVE_INFINITY] = open;
    let last: ConsumeMessage | undefined;
    for (const raw of batch) {
      const tag = raw.fields.deliveryTag;
      if (tag > lowestOpen) channel.ack(raw);
      else if (last === undefined || tag > last.fields.deliveryTag) last = raw;
    }
    // All below the lowest that is open are settled: one frame for them.
    if (last !== undefined) channel.ack(last, true);
    metrics.acked.inc(batch.length);
  }

  return {
    signal,
    delivered: (raw) => void open.add(raw.fields.deliveryTag),
    ack: (raw) => {
      if (!open.delete(raw.fields.deliveryTag) || signal.aborted) return;
      acked.push(raw);
      scheduled ??= setImmediate(flush);
      settled(raw);
    },
    release: (raw) => {
      if (!open.delete(raw.fields.deliveryTag) || signal.aborted) return;
      try {
        channel.nack(raw, false, true);
        metrics.nacked.inc();
      } catch {
        // the channel closes just now: the broker delivers it again
      }
      settled(raw);
    },
    flush,
    lose: () => {
      clearImmediate(scheduled);
      open.clear();
      controller.abort();
    },
  };
}
