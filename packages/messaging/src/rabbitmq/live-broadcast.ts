import { randomUUID } from "node:crypto";
import { createFifo } from "../consumer/incoming.ts";
import type { Consumer } from "../consumer/consumer.ts";
import { longestTimerMs } from "../duration.ts";
import { exchangeOf } from "./names.ts";
import { consumeQueue } from "./queue-source.ts";
import type { RabbitIncoming } from "./rabbit-incoming.ts";
import { createConsumerFor, type Feed, type FeedOptions } from "./subscribe.ts";

/**
 * Listens to a broadcast without a group: by a queue that is this connection's alone and goes with it. What is sent
 * while nobody listens is nobody's; a retry waits in this process.
 */
export function liveListener(options: Omit<FeedOptions, "group">): Feed {
  const { queue, prefix, port, prefetch, source } = options;
  const exchange = exchangeOf(prefix, queue);
  const consumer: Consumer<RabbitIncoming> = createConsumerFor(options, createFifo(), {
    ...port,
    retry: (delivery, delayMs) => {
      setTimeout(
        () => {
          if (delivery.signal.aborted) return;
          delivery.attempt += 1;
          consumer.receive(delivery);
        },
        Math.min(delayMs, longestTimerMs),
      ).unref();
      return Promise.resolve();
    },
  });
  const feed = consumeQueue({
    ...source,
    physical: async (channel) => {
      const { queue: name } = await channel.assertQueue(`${prefix}.${queue.name}.live-${randomUUID()}`, {
        exclusive: true,
        autoDelete: true,
        durable: false,
      });
      await channel.bindQueue(name, exchange, "");
      return name;
    },
    prefetch,
    receive: consumer.receive,
    lost: consumer.lost,
  });
  return { consumers: [consumer], sources: [feed] };
}
