import { systemClock } from "../clock.ts";
import { createSoloGate } from "../consumer/solo-gate.ts";
import { MessagingError } from "../errors.ts";
import { completeMessage, type NewMessage } from "../message.ts";
import { messagingMetrics } from "../metrics.ts";
import type { Delivery, PublishOptions, QueueProvider, QueueStats, Subscription } from "../provider.ts";
import type { QueueDefinition } from "../queue-definition.ts";
import { resolveQueue } from "../resolve-queue.ts";
import { startPublish } from "../tracing.ts";
import { adminError, quietChannel, type Mismatches } from "./apply-topology.ts";
import { rabbitmqCapabilities } from "./capabilities.ts";
import { createConnection } from "./connection.ts";
import { createDeclaredQueues } from "./declared-queues.ts";
import { consumeDeadLetters } from "./consume-dead-letters.ts";
import { createManagementApi } from "./management.ts";
import { rabbitmqMetrics } from "./metrics.ts";
import { physicalQueues, systemNames } from "./names.ts";
import { rabbitmqDefaults, type RabbitMQOptions, type RabbitMQTuning } from "./options.ts";
import { checkedDuration, checkPublish, outgoingOf, unknownGroup } from "./outgoing.ts";
import { planTopology, type TopologyChange } from "./plan-topology.ts";
import { createPublisher } from "./publisher.ts";
import { rungsOf } from "./rungs.ts";
import { queueStats } from "./stats.ts";
import { openSubscription, type OpenSubscription, type ProviderParts } from "./subscription.ts";
import { queueTopology, systemTopology } from "./topology.ts";

/** The queue provider on RabbitMQ 3.10 to 4.x, with what only RabbitMQ has. */
export interface RabbitMQProvider extends QueueProvider {
  /** What `declare` of these queues would change at the broker, and what it can't. Changes nothing. */
  planTopology(queues: readonly QueueDefinition[]): Promise<TopologyChange[]>;
  /** Why `healthCheck` says no, in words for an operator; undefined while it says yes. */
  readonly problem: string | undefined;
  /** Queues that are left alone since their arguments differ, by their name at the broker. */
  readonly quarantined: Mismatches;
}

const prefixPattern = /^[a-z0-9]+(?:[._-][a-z0-9]+)*$/;

/** @throws MessagingError `invalid_definition` for a prefix or a management URL that isn't one. */
export function createRabbitMQProvider(options: RabbitMQOptions): RabbitMQProvider {
  const {
    target,
    prefix = "fleetwire",
    lifetime = "service",
    log,
    tracing,
    clock = systemClock,
    random = Math.random,
  } = options;
  if (!prefixPattern.test(prefix) || prefix.length > 40)
    throw new MessagingError(
      "invalid_definition",
      `prefix: expected lower-case words joined by . - or _, of at most 40 characters`,
    );
  if (target.hosts.length === 0) throw new MessagingError("invalid_definition", "target.hosts: expected at least one");
  const tuning: RabbitMQTuning = { ...rabbitmqDefaults, ...definedOnly(options) };
  const metrics = rabbitmqMetrics(options.metrics);
  const common = messagingMetrics(options.metrics);
  const management =
    options.managementUrl === undefined ? null : createManagementApi(options.managementUrl, target.vhost);
  const connectionOptions = {
    target,
    tuning,
    lifetime,
    name: options.name ?? prefix,
    counts: metrics,
    random,
    log,
  };
  // Apart: a broker that takes no messages stops reading from whoever publishes, acknowledgements included.
  const publishing = createConnection({ ...connectionOptions, role: "publish" });
  const consuming = createConnection({ ...connectionOptions, role: "consume" });
  const publisher = createPublisher({ connection: publishing, tuning, metrics, clock, log });
  const rungs = rungsOf(prefix);
  const declared = createDeclaredQueues({ prefix, tuning, connection: consuming, management, metrics, log });
  const subscriptions = new Set<OpenSubscription>();
  let closed: Promise<void> | undefined;

  const depths = async (): Promise<QueueStats[]> => {
    const all: QueueStats[] = [];
    for (const queue of declared.all().filter((one) => declared.isSound(one))) {
      // A channel for each: asking for a queue that was deleted closes it, and the others are still asked for.
      const stats = await onAdminChannel((channel) => queueStats(channel, prefix, queue)).catch(() => null);
      if (stats !== null) all.push(stats);
    }
    return all;
  };
  common.depthSources.add(depths);

  async function publishAll(
    queueName: string,
    messages: readonly NewMessage[],
    publishOptions: PublishOptions | undefined,
  ): Promise<void> {
    const queue = declared.sound(queueName);
    const checked = checkPublish(publishOptions, tuning.publishTimeoutMs);
    const complete = messages.map((message) => completeMessage(message, queueName));
    const span = tracing === undefined ? null : startPublish(tracing, "rabbitmq", queueName, complete);
    try {
      const context = {
        prefix,
        rungs,
        maxMessageBytes: tuning.maxMessageBytes,
        nowMs: Date.now(),
        trace: span === null ? null : span.carrier,
      };
      const outgoing =
        complete.length === 1
          ? outgoingOf(queue, complete[0] as (typeof complete)[number], checked, context)
          : complete.flatMap((message) => outgoingOf(queue, message, checked, context));
      await publisher.publishAll(outgoing, checked.deadlineMs);
      common.sent.inc({ queue: queueName }, complete.length);
      span?.end();
    } catch (error) {
      span?.end(error);
      throw error;
    }
  }

  const parts: ProviderParts = {
    prefix,
    tuning,
    rungs,
    publisher,
    connection: consuming,
    gate: createSoloGate(),
    limiters: new Map(),
    metrics,
    common,
    tracing: tracing === undefined ? null : { with: tracing, system: "rabbitmq" },
    clock,
    random,
    log,
    ensure: declared.ensure,
    report: (trackingQueue, reports) => publishAll(trackingQueue, [reports], undefined),
  };

  async function open(
    queueName: string,
    work: Parameters<typeof openSubscription>[2],
    subscribeOptions: Parameters<typeof openSubscription>[3],
  ): Promise<Subscription> {
    const queue = declared.find(queueName);
    // While it is lost for now, the subscription begins with the next connection.
    declared.refuseWithoutConnection();
    const subscription = openSubscription(parts, queue, work, subscribeOptions, () =>
      subscriptions.delete(subscription),
    );
    subscriptions.add(subscription);
    try {
      await subscription.started;
    } catch (error) {
      await subscription.close({ deadline: 0 });
      throw error;
    }
    return subscription;
  }

  function heldBy(delivery: Delivery | string): { subscription: OpenSubscription; held: Delivery } {
    const found = [...subscriptions].flatMap((subscription) => {
      if (typeof delivery !== "string") return subscription.holds(delivery) ? [{ subscription, held: delivery }] : [];
      return subscription.heldOf(delivery).map((held) => ({ subscription, held }));
    });
    const [first] = found;
    if (found.length > 1)
      throw new MessagingError(
        "ambiguous_delivery",
        `${found.length} deliveries of this message are held: name the delivery, not the message`,
      );
    if (first === undefined)
      throw new MessagingError("lease_lost", "this delivery isn't held here: it was settled, or its lease was lost");
    return first;
  }

  function settle(delivery: Delivery | string, error: unknown): void {
    const { subscription, held } = heldBy(delivery);
    if (!subscription.settleByHand(held, error))
      throw new MessagingError("lease_lost", "the delivery belongs to somebody else by now; nothing was changed");
  }

  async function eachPhysical<T>(
    queueName: string,
    group: string | undefined,
    work: (name: string) => Promise<T>,
  ): Promise<T[]> {
    const queue = declared.find(queueName);
    const groups = group === undefined ? queue.groups : queue.groups.filter(({ name }) => name === group);
    if (group !== undefined && groups.length === 0) throw unknownGroup(queue, group);
    const results: T[] = [];
    for (const one of groups) for (const name of physicalQueues(prefix, queue, one)) results.push(await work(name));
    return results;
  }

  async function onAdminChannel<T>(
    work: (channel: Awaited<ReturnType<typeof quietChannel>>) => Promise<T>,
  ): Promise<T> {
    const channel = await quietChannel(declared.model());
    try {
      return await work(channel);
    } catch (error) {
      throw adminError(error);
    } finally {
      await channel.close().catch(() => {});
    }
  }

  async function end(deadlineMs: number): Promise<void> {
    const endsAt = clock.monotonicMs() + deadlineMs;
    await Promise.all([...subscriptions].map((one) => one.close({ deadline: deadlineMs })));
    await publisher.close(Math.max(0, endsAt - clock.monotonicMs()));
    common.depthSources.delete(depths);
    await Promise.all([publishing.close(), consuming.close()]);
  }

  const provider: RabbitMQProvider = {
    capabilities: rabbitmqCapabilities(tuning.consumerTimeoutMs),
    quarantined: declared.mismatches,
    initialize: async () => {
      await consuming.start();
      await declared.makeSystem();
      await publishing.start();
      await publisher.started;
    },
    declare: declared.declare,
    publish: (queueName, message, publishOptions) => publishAll(queueName, [message], publishOptions),
    publishBatch: publishAll,
    subscribe: (queueName, handler, { mode = "automatic", ...rest }) =>
      // oxlint-disable-next-line typescript/no-unsafe-type-assertion -- `parse`, or the caller's word, makes the payload what the handler takes
      open(queueName, { kind: "single", handler: handler as never, mode }, rest),
    subscribeBatch: async (queueName, handler, { size, wait, ...rest }) => {
      const waitMs = checkedDuration("wait", wait, 0) ?? 5;
      // oxlint-disable-next-line typescript/no-unsafe-type-assertion -- as above
      return open(queueName, { kind: "batch", handler: handler as never, size, waitMs }, rest);
    },
    acknowledge: async (delivery) => settle(delivery, undefined),
    reject: async (delivery, error) => settle(delivery, error ?? new Error("rejected by its consumer")),
    getQueueStats: async (queueName) => {
      const queue = declared.find(queueName);
      return onAdminChannel((channel) => queueStats(channel, prefix, queue));
    },
    get problem() {
      const lost = consuming.problem ?? publishing.problem;
      if (lost !== undefined) return lost.message;
      if (publishing.state === "blocked") return "RabbitMQ takes no messages: it is out of memory or disk";
      if (publisher.ready && consuming.model !== undefined) return undefined;
      return publishing.state === "closed" ? "the provider is closed" : "RabbitMQ isn't connected";
    },
    healthCheck: async () => consuming.model !== undefined && publisher.ready,
    consumeDeadLetters: async (handler) => {
      declared.refuseWithoutConnection();
      return consumeDeadLetters(
        parts,
        declared.all,
        handler,
        (subscription) => void subscriptions.add(subscription),
        (subscription) => void subscriptions.delete(subscription),
      );
    },
    countDeadLetters: () =>
      onAdminChannel(async (channel) => (await channel.checkQueue(systemNames(prefix).deadLetters)).messageCount),
    purgeDeadLetters: () =>
      onAdminChannel(async (channel) => (await channel.purgeQueue(systemNames(prefix).deadLetters)).messageCount),
    pause: (queueName, group) => eachSubscription(queueName, group, (one) => one.pause()),
    resume: (queueName, group) => eachSubscription(queueName, group, (one) => one.resume()),
    purge: async (queueName, group) => {
      const counts = await onAdminChannel((channel) =>
        eachPhysical(queueName, group, async (name) => (await channel.purgeQueue(name)).messageCount),
      );
      return counts.reduce((sum, count) => sum + count, 0);
    },
    planTopology: async (definitions) => {
      const topologies = [
        systemTopology(prefix),
        ...definitions.map((definition) => queueTopology(prefix, resolveQueue(definition))),
      ];
      return planTopology(declared.model(), topologies, prefix, management);
    },
    close: async ({ deadline } = {}) => (closed ??= end(checkedDuration("deadline", deadline, 0) ?? 30_000)),
  };

  async function eachSubscription(
    queueName: string,
    group: string | undefined,
    work: (subscription: OpenSubscription) => Promise<void>,
  ): Promise<void> {
    const queue = declared.find(queueName);
    if (group !== undefined && !queue.groups.some(({ name }) => name === group)) throw unknownGroup(queue, group);
    const concerned = [...subscriptions].filter(
      (one) => one.queue === queueName && (group === undefined || one.group === group),
    );
    await Promise.all(concerned.map(work));
  }

  return provider;
}

function definedOnly(options: RabbitMQOptions): Partial<RabbitMQTuning> {
  const names = Object.keys(rabbitmqDefaults) as (keyof RabbitMQTuning)[];
  const given = names.filter((name) => options[name] !== undefined).map((name) => [name, options[name]] as const);
  for (const [name, value] of given) {
    const [min, max] = name === "maxRedeliveries" ? [0, mostRedeliveries] : [1, Number.MAX_SAFE_INTEGER];
    if (Number.isSafeInteger(value) && Number(value) >= min && Number(value) <= max) continue;
    const range = max === mostRedeliveries ? `${min} to ${max}` : `${min}`;
    throw new MessagingError("invalid_definition", `${name}: expected a whole number from ${range}`);
  }
  return Object.fromEntries(given);
}

// Below the broker's own limit of deliveries, which would end them without our reason.
const mostRedeliveries = 49;
