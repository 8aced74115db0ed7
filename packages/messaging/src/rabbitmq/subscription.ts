import type { Clock } from "../clock.ts";
import { consumerCounts } from "../consumer/counts.ts";
import { createRateLimiter, type RateLimiter } from "../consumer/rate-limiter.ts";
import type { SoloGate } from "../consumer/solo-gate.ts";
import { describeError, MessagingError } from "../errors.ts";
import type { MessagingLog } from "../log.ts";
import type { NewMessage } from "../message.ts";
import type { MessagingMetrics } from "../metrics.ts";
import type { Delivery, SubscribeOptions, Subscription } from "../provider.ts";
import type { Group, Queue } from "../queue-definition.ts";
import { createReporter, reportType, type Reporter } from "../reports.ts";
import type { Tracing } from "../tracing.ts";
import type { BrokerConnection } from "./connection.ts";
import { liveListener } from "./live-broadcast.ts";
import type { RabbitMQMetrics } from "./metrics.ts";
import type { RabbitMQTuning } from "./options.ts";
import { checkedDuration, unknownGroup } from "./outgoing.ts";
import type { Publisher } from "./publisher.ts";
import { createRabbitPort } from "./rabbit-port.ts";
import type { Rung } from "./rungs.ts";
import { openFeed, type Feed, type FeedOptions, type Work } from "./subscribe.ts";

/** What subscriptions are made of; one set for each provider. */
export interface ProviderParts {
  readonly prefix: string;
  readonly tuning: RabbitMQTuning;
  readonly rungs: readonly Rung[];
  readonly publisher: Publisher;
  readonly connection: BrokerConnection;
  readonly gate: SoloGate;
  readonly limiters: Map<string, RateLimiter>;
  readonly metrics: RabbitMQMetrics;
  readonly common: MessagingMetrics;
  readonly tracing: { with: Tracing; system: string } | null;
  readonly clock: Clock;
  readonly random: () => number;
  readonly log: MessagingLog;
  /** Makes the queue where it is gone. @throws MessagingError `queue_quarantined` */
  ensure(queue: Queue): Promise<void>;
  report(trackingQueue: string, message: NewMessage): Promise<void>;
}

/** A subscription as the provider keeps it. */
export interface OpenSubscription extends Subscription {
  readonly started: Promise<unknown>;
  holds(delivery: Delivery): boolean;
  heldOf(messageId: string): Delivery[];
  settleByHand(delivery: Delivery, error: unknown): boolean;
}

const noGroup = "";

/** @throws MessagingError `unknown_group` or `invalid_definition`. */
export function openSubscription(
  parts: ProviderParts,
  queue: Queue,
  work: Work,
  options: Omit<SubscribeOptions, "mode">,
  onClosed: () => void,
): OpenSubscription {
  const group = groupOf(queue, options.group);
  // A batch is one call: side by side only where that is asked for.
  const concurrency = options.concurrency ?? (work.kind === "batch" ? 1 : queue.concurrency);
  const prefetch = options.prefetch ?? defaultPrefetch(concurrency, work, parts.tuning, queue.leaseMs);
  checkCounts(concurrency, prefetch, work);
  const { metrics, clock, random, log, tuning } = parts;
  const groupName = group?.name ?? noGroup;
  let feed: Feed | undefined;
  let closing = false;
  let closed: Promise<void> | undefined;
  const reporter =
    queue.tracking === null
      ? null
      : reporterOf(
          parts,
          queue.tracking,
          queue.name,
          () => feed?.consumers.forEach((one) => one.wake()),
          () => closing,
        );
  const port = createRabbitPort({
    prefix: parts.prefix,
    rungs: parts.rungs,
    publisher: parts.publisher,
    publishTimeoutMs: tuning.publishTimeoutMs,
    queue,
    group: groupName,
    metrics,
  });
  const feedOptions: Omit<FeedOptions, "group"> = {
    prefix: parts.prefix,
    queue,
    prefetch,
    work,
    port,
    consumer: {
      queue,
      group: groupName,
      concurrency,
      parse: options.parse,
      gate: parts.gate,
      limiter: limiterOf(parts, queue, groupName),
      reporter,
      counts: consumerCounts(parts.common, queue.name, groupName),
      tracing: parts.tracing,
      clock,
      random,
      log,
    },
    source: { connection: parts.connection, queue, ensure: () => parts.ensure(queue), tuning, metrics, clock, log },
    onRefused: (delivery, error) =>
      log.warn(
        { queue: queue.name, group: groupName, messageId: delivery.message.id, err: describeError(error) },
        "a message that has to wait on can't be stored; it is held until it can",
      ),
  };
  feed = group === undefined ? liveListener(feedOptions) : openFeed({ ...feedOptions, group });
  const { consumers, sources } = feed;

  const isOrdered = queue.partitions > 0;

  /**
   * Who stops consuming an ordered queue makes way for the next consumer at once: first nothing more is begun here and
   * what runs is settled; what is held goes back, in its order, with the channel.
   */
  async function standStill(deadlineMs: number): Promise<void> {
    await Promise.all(consumers.map((consumer) => consumer.quiet(deadlineMs)));
  }

  async function end(deadlineMs: number): Promise<void> {
    if (isOrdered) {
      await standStill(deadlineMs);
    } else {
      await Promise.all(sources.map((source) => source.pause()));
      await Promise.all(consumers.map((consumer) => consumer.drain(deadlineMs)));
    }
    closing = true;
    await Promise.all(sources.map((source) => source.close()));
    for (const consumer of consumers) consumer.lost();
    onClosed();
  }

  return {
    queue: queue.name,
    group: group?.name,
    started: Promise.all(sources.map((source) => source.started)),
    get active() {
      return consumers.reduce((sum, one) => sum + one.active, 0);
    },
    pause: async () => {
      if (isOrdered) await standStill(tuning.consumerTimeoutMs);
      else for (const consumer of consumers) consumer.pause();
      await Promise.all(sources.map((source) => source.pause()));
    },
    resume: async () => {
      for (const consumer of consumers) consumer.resume();
      await Promise.all(sources.map((source) => source.resume()));
    },
    close: async ({ deadline } = {}) => (closed ??= end(checkedDuration("deadline", deadline, 0) ?? 30_000)),
    holds: (delivery) => consumers.some((one) => one.heldOf(delivery.message.id).includes(delivery)),
    heldOf: (messageId) => consumers.flatMap((one) => one.heldOf(messageId)),
    settleByHand: (delivery, error) => consumers.some((one) => one.settleByHand(delivery, error)),
  };
}

/** One for each group of a queue, however many subscriptions of this process share it. */
function limiterOf({ limiters, clock }: ProviderParts, queue: Queue, group: string): RateLimiter | null {
  if (queue.rateLimit === null) return null;
  const name = `${queue.name} ${group}`;
  const limiter = limiters.get(name) ?? createRateLimiter(queue.rateLimit, clock);
  limiters.set(name, limiter);
  return limiter;
}

function groupOf(queue: Queue, name: string | undefined): Group | undefined {
  if (name === undefined && queue.kind === "broadcast") return undefined;
  if (name === undefined)
    throw new MessagingError(
      "unknown_group",
      `queue ${queue.name} is for ${queue.kind}s: name the group that consumes it, one of ${queue.groups.map((group) => group.name).join(", ")}`,
    );
  const group = queue.groups.find((one) => one.name === name);
  if (group === undefined) throw unknownGroup(queue, name);
  return group;
}

/** No more than can be handled, at a lease each, before the broker takes back what waited. */
function defaultPrefetch(concurrency: number, work: Work, tuning: RabbitMQTuning, leaseMs: number): number {
  if (work.kind === "batch") return Math.min(65_535, work.size * (concurrency + 1));
  const inTime = concurrency * Math.max(1, Math.floor(tuning.consumerTimeoutMs / leaseMs));
  return Math.min(Math.max(tuning.prefetchCount, concurrency), inTime);
}

function checkCounts(concurrency: number, prefetch: number, work: Work): void {
  const counts = { concurrency, prefetch, ...(work.kind === "batch" ? { size: work.size } : {}) };
  for (const [name, value] of Object.entries(counts)) {
    if (Number.isInteger(value) && value >= 1 && value <= 65_535) continue;
    throw new MessagingError("invalid_definition", `${name}: expected a whole number from 1 to 65535`);
  }
}

function reporterOf(
  parts: ProviderParts,
  tracking: string,
  queue: string,
  onChange: () => void,
  isClosed: () => boolean,
): Reporter {
  const { log } = parts;
  return createReporter({
    send: (reports) => parts.report(tracking, { type: reportType, payload: { reports } }),
    onChange,
    onError: (error) =>
      log.warn(
        { queue, tracking, err: describeError(error) },
        "reports can't be stored; the consumer takes nothing new until they are",
      ),
    pause: (ms) => new Promise((resolve) => setTimeout(resolve, ms).unref()),
    isClosed,
  });
}
