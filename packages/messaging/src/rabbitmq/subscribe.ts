import { createBatchConsumer } from "../consumer/batch-consumer.ts";
import type { Consumer, ConsumerOptions } from "../consumer/consumer.ts";
import { createFifo, type DeliveryPort, type Intake } from "../consumer/incoming.ts";
import { createSingleConsumer } from "../consumer/single-consumer.ts";
import type { BatchHandler, Handler } from "../provider.ts";
import type { Group, Queue } from "../queue-definition.ts";
import { createBandCredits } from "./band-credits.ts";
import { createBandIntake } from "./band-intake.ts";
import { bandOf, bands, physicalQueues } from "./names.ts";
import { createOrderedIntake } from "./ordered-intake.ts";
import { consumeQueue, type QueueSource, type QueueSourceOptions } from "./queue-source.ts";
import type { RabbitIncoming } from "./rabbit-incoming.ts";
import type { RabbitPort } from "./rabbit-port.ts";

/** What handles deliveries: one by one, or in batches. */
export type Work =
  | { readonly kind: "single"; readonly handler: Handler; readonly mode: "automatic" | "manual" }
  | { readonly kind: "batch"; readonly handler: BatchHandler; readonly size: number; readonly waitMs: number };

/** One subscription's consumers and the queues at the broker that feed them. */
export interface Feed {
  readonly consumers: readonly Consumer<RabbitIncoming>[];
  readonly sources: readonly QueueSource[];
}

export interface FeedOptions {
  prefix: string;
  queue: Queue;
  group: Group;
  prefetch: number;
  work: Work;
  port: RabbitPort;
  consumer: Omit<ConsumerOptions<RabbitIncoming>, "intake" | "port">;
  source: Omit<QueueSourceOptions, "physical" | "receive" | "lost" | "prefetch">;
  /** A message that has to wait on can't be sent on for now. */
  onRefused: (delivery: RabbitIncoming, error: unknown) => void;
}

/** The feed of a group. */
export function openFeed(options: FeedOptions): Feed {
  if (options.queue.partitions > 0) return openOrdered(options);
  return options.queue.priority === "bands" ? openBands(options) : openPlainFeed(options);
}

function openPlainFeed(options: FeedOptions): Feed {
  const { prefix, queue, group, prefetch, port, source } = options;
  const consumer = createConsumerFor(options, createFifo(), port);
  const receive = receiver(options, consumer);
  const sources = physicalQueues(prefix, queue, group).map((physical) =>
    consumeQueue({ ...source, physical, prefetch, receive, lost: consumer.lost }),
  );
  return { consumers: [consumer], sources };
}

function openBands(options: FeedOptions): Feed {
  const names = physicalQueues(options.prefix, options.queue, options.group);
  // By the queue it came from: what a plain client put there counts, whatever its priority says.
  const bandFor = new Map(names.map((name, band) => [name, band]));
  const intake = createBandIntake<RabbitIncoming>({
    count: bands.length,
    bandOf: (delivery) => bandFor.get(delivery.physical) ?? bandOf(delivery.message.priority),
    clock: options.consumer.clock,
    wake: () => consumer.wake(),
  });
  const consumer: Consumer<RabbitIncoming> = createConsumerFor(options, intake, options.port);
  const receive = receiver(options, consumer);
  const sources: QueueSource[] = [];
  const channels = names.map((_, band) => ({
    addConsumer: async () => sources[band]?.addConsumer(),
    dropConsumer: async (tag: string) => sources[band]?.dropConsumer(tag),
  }));
  const credits = createBandCredits(channels, options.consumer.concurrency);
  for (const [band, physical] of names.entries()) {
    sources.push(
      consumeQueue({
        ...options.source,
        physical,
        prefetch: 1,
        begun: (tag) => credits.begun(band, tag),
        paused: () => credits.paused(band),
        settled: (tag) => {
          intake.settled(band);
          credits.settled(band, tag);
        },
        receive: (delivery) => {
          credits.received(band, delivery.raw.fields.consumerTag);
          receive(delivery);
        },
        lost: () => {
          credits.lost(band);
          consumer.lost();
        },
      }),
    );
  }
  return { consumers: [consumer], sources };
}

function openOrdered(options: FeedOptions): Feed {
  const feeds = physicalQueues(options.prefix, options.queue, options.group).map((physical) => {
    const ordered = createOrderedIntake(options.port, () => consumer.wake());
    const one = { ...options, consumer: { ...options.consumer, concurrency: 1 } };
    const consumer: Consumer<RabbitIncoming> = createConsumerFor(one, ordered.intake, ordered.port);
    const source = consumeQueue({
      ...options.source,
      physical,
      prefetch: 2,
      receive: receiver(options, consumer),
      lost: () => {
        ordered.lost();
        consumer.lost();
      },
    });
    return { consumer, source };
  });
  return { consumers: feeds.map(({ consumer }) => consumer), sources: feeds.map(({ source }) => source) };
}

export function createConsumerFor(
  options: Pick<FeedOptions, "work" | "consumer">,
  intake: Intake<RabbitIncoming>,
  port: DeliveryPort<RabbitIncoming>,
): Consumer<RabbitIncoming> {
  const { work, consumer } = options;
  if (work.kind === "batch")
    return createBatchConsumer({
      ...consumer,
      intake,
      port,
      handler: work.handler,
      size: work.size,
      waitMs: work.waitMs,
    });
  return createSingleConsumer({ ...consumer, intake, port, handler: work.handler, mode: work.mode });
}

/** Takes deliveries, but sends on those whose delay isn't over, and those whose redelivery nobody has counted. */
function receiver(options: FeedOptions, consumer: Consumer<RabbitIncoming>): (delivery: RabbitIncoming) => void {
  const { port, queue, onRefused } = options;
  return (delivery) => {
    const isUncounted = queue.priority === "native" && delivery.raw.fields.redelivered;
    if (delivery.unfit !== null || (delivery.delayLeftMs === 0 && !isUncounted)) {
      consumer.receive(delivery);
      return;
    }
    const { delayLeftMs } = delivery;
    void insist(delivery, onRefused, () =>
      delayLeftMs > 0 ? port.delayFurther(delivery, delayLeftMs) : port.countRedelivery(delivery),
    );
  };
}

const longestPauseMs = 5_000;

/** Until the broker takes it, or the lease is lost: given back, it would only come again, and count as a redelivery. */
async function insist(
  delivery: RabbitIncoming,
  onRefused: FeedOptions["onRefused"],
  send: () => Promise<void>,
): Promise<void> {
  for (let failures = 0; !delivery.signal.aborted; failures++) {
    try {
      await send();
      return;
    } catch (error) {
      if (failures === 0) onRefused(delivery, error);
      await new Promise((resolve) => setTimeout(resolve, Math.min(100 * 2 ** failures, longestPauseMs)).unref());
    }
  }
}
