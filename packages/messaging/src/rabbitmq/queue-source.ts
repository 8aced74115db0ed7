import type { Channel, ConsumeMessage } from "amqplib";
import type { Clock } from "../clock.ts";
import { describeError, MessagingError } from "../errors.ts";
import type { MessagingLog } from "../log.ts";
import type { Queue } from "../queue-definition.ts";
import { atMost } from "./at-most.ts";
import { leaseOf, type ChannelLease } from "./channel-lease.ts";
import { decode } from "./codec.ts";
import type { BrokerConnection } from "./connection.ts";
import { manageChannel, openPlain } from "./managed-channel.ts";
import type { RabbitMQMetrics } from "./metrics.ts";
import type { RabbitMQTuning } from "./options.ts";
import { RabbitIncoming } from "./rabbit-incoming.ts";

/** Consumes one queue at the broker, on a channel of its own, through every loss. */
export interface QueueSource {
  /** Resolves when it consumes for the first time. @throws MessagingError when it never can. */
  readonly started: Promise<void>;
  /** Takes nothing new; what is held stays held. */
  pause(): Promise<void>;
  resume(): Promise<void>;
  /** One more delivery at a time; gives the consumer's tag, undefined when the channel isn't there. */
  addConsumer(): Promise<string | undefined>;
  /** No more deliveries by this tag; the one that it may hold stays held. */
  dropConsumer(tag: string): Promise<void>;
  /** The channel: what was held and isn't settled goes back. */
  close(): Promise<void>;
}

export interface QueueSourceOptions {
  connection: BrokerConnection;
  queue: Queue;
  /** The queue at the broker; a function makes one that is this channel's alone, and gives its name. */
  physical: string | ((channel: Channel) => Promise<string>);
  prefetch: number;
  /** Makes the queue again where it is gone. @throws MessagingError `queue_quarantined` */
  ensure: () => Promise<void>;
  receive: (delivery: RabbitIncoming) => void;
  /** A delivery that was held by this tag is settled. */
  settled?: (tag: string) => void;
  /** It consumes, by this tag alone. */
  begun?: (tag: string) => void;
  /** Its tags are cancelled; what they hold stays held. */
  paused?: () => void;
  /** Leases were lost, and tags with them. */
  lost: () => void;
  tuning: RabbitMQTuning;
  metrics: RabbitMQMetrics;
  clock: Clock;
  log: MessagingLog;
}

const cancelMs = 2_000;

export function consumeQueue(options: QueueSourceOptions): QueueSource {
  const { connection, queue, prefetch, tuning, metrics, clock, log } = options;
  let physical = typeof options.physical === "string" ? options.physical : queue.name;
  const now = (): number => clock.monotonicMs();
  let lease: ChannelLease | undefined;
  let channel: Channel | undefined;
  let tags: string[] = [];
  let paused = false;
  const started = Promise.withResolvers<void>();
  started.promise.catch(() => {}); // whoever subscribes awaits it; later losses are logged

  const managed = manageChannel<Channel>({
    connection,
    name: physical,
    open: openPlain,
    setUp: async (opened) => {
      await options.ensure();
      if (typeof options.physical === "function") physical = await options.physical(opened);
      channel = opened;
      lease = leaseOf(opened, metrics, (raw) => options.settled?.(raw.fields.consumerTag));
      if (!paused) await begin(opened, lease);
      started.resolve();
    },
    lost: (gone) => {
      if (channel !== gone) return;
      channel = undefined;
      tags = [];
      lease?.lose();
      lease = undefined;
      options.lost();
    },
    isFinal: (error) => {
      const final = finalError(error, physical);
      if (final === null) return false;
      started.reject(final);
      log.error(
        { queue: queue.name, code: final.code, err: final.message },
        "this queue can't be consumed; the rest goes on",
      );
      return true;
    },
    log,
  });

  /**
   * One at a time until a delivery comes that never came before: after a crash, what crashed it comes first, and takes
   * no neighbour with it if it crashes this process too.
   */
  async function begin(on: Channel, itsLease: ChannelLease): Promise<void> {
    // A single active consumer is one consumer: a second one would only wait in line behind it.
    let cautious = prefetch > 1 && queue.partitions === 0;
    await on.prefetch(cautious ? 1 : prefetch);
    const first = await consume(on, itsLease, ({ redeliveries }) => {
      if (!cautious || redeliveries > 0) return;
      cautious = false;
      void on
        .prefetch(prefetch - 1)
        .then(() => (paused ? "" : consume(on, itsLease, () => {})))
        .catch((error: unknown) =>
          log.debug({ queue: queue.name, err: describeError(error) }, "the channel was lost while it was opened up"),
        );
    });
    if (!paused) options.begun?.(first);
  }

  async function consume(
    on: Channel,
    itsLease: ChannelLease,
    before: (delivery: RabbitIncoming) => void,
  ): Promise<string> {
    const { consumerTag } = await on.consume(physical, (raw) => {
      if (raw === null) {
        // The queue was deleted, or its node went: made again, and consumed again.
        log.warn({ queue: queue.name, physical }, "RabbitMQ cancelled the consumer; subscribing again");
        managed.reopen();
        return;
      }
      const delivery = accept(raw, itsLease);
      if (delivery === null) return;
      before(delivery);
      options.receive(delivery);
    });
    // Paused while it was on its way.
    if (paused) await on.cancel(consumerTag);
    else tags.push(consumerTag);
    return consumerTag;
  }

  function accept(raw: ConsumeMessage, itsLease: ChannelLease): RabbitIncoming | null {
    if (itsLease.signal.aborted) return null;
    itsLease.delivered(raw);
    metrics.consumed.inc();
    const decoded = decode(raw, queue, Date.now());
    const redeliveries = redeliveriesOf(raw, decoded.redeliveries);
    const unfit =
      redeliveries > tuning.maxRedeliveries
        ? ({ reason: "crashed", error: `it came back ${redeliveries} times without an outcome` } as const)
        : decoded.unfit;
    return new RabbitIncoming({
      raw,
      channel: itsLease,
      physical,
      decoded,
      unfit,
      redeliveries,
      consumerTimeoutMs: tuning.consumerTimeoutMs,
      now,
    });
  }

  /**
   * Acknowledgements have arrived: a quorum queue's channel may hold some back while it is busy, and a close would lose
   * them. The queue answers these after what came before.
   */
  async function acknowledged(): Promise<void> {
    const on = channel;
    if (on === undefined) return;
    lease?.flush();
    const asked = async (): Promise<void> => {
      await on.checkQueue(physical);
      await on.checkQueue(physical);
    };
    await atMost(cancelMs, asked());
  }

  return {
    started: started.promise,
    pause: async () => {
      paused = true;
      if (queue.partitions > 0) {
        // What is held goes back in its order; the channel that follows doesn't consume.
        await acknowledged();
        managed.reopen();
        return;
      }
      const stopping = tags;
      tags = [];
      if (stopping.length > 0) options.paused?.();
      const on = channel;
      if (on !== undefined) await atMost(cancelMs, Promise.all(stopping.map((tag) => on.cancel(tag))));
    },
    resume: async () => {
      if (!paused) return;
      paused = false;
      if (channel !== undefined && lease !== undefined) await begin(channel, lease).catch(() => {});
    },
    addConsumer: async () => {
      const on = channel;
      const itsLease = lease;
      if (on === undefined || itsLease === undefined || paused) return undefined;
      return consume(on, itsLease, () => {}).catch(() => undefined);
    },
    dropConsumer: async (tag) => {
      tags = tags.filter((one) => one !== tag);
      await channel?.cancel(tag).catch(() => {});
    },
    close: async () => {
      started.reject(new MessagingError("closed", "the subscription was closed"));
      await acknowledged();
      await managed.close();
      lease?.lose();
    },
  };
}

/** Quorum queues count; classic ones only say that it isn't the first time, and consumers keep the count in a header. */
function redeliveriesOf(raw: ConsumeMessage, counted: number): number {
  // Before the first redelivery, what stands there is a producer's.
  if (!raw.fields.redelivered) return counted;
  const count: unknown = raw.properties.headers?.["x-delivery-count"];
  return typeof count === "number" && count > 0 ? count : counted + 1;
}

/** What trying again can't change; null where it may. */
export function finalError(error: unknown, physical: string): MessagingError | null {
  if (error instanceof MessagingError) return error.retryable ? null : error;
  const code = error instanceof Error && "code" in error ? error.code : undefined;
  if (code === 403)
    return new MessagingError("permission_denied", `the user may not consume ${physical}: ${describeError(error)}`, {
      cause: error,
    });
  return null;
}
