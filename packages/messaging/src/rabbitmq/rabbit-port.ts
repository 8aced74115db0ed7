import type { ConsumeMessage, Options } from "amqplib";
import type { DeliveryPort, Failure } from "../consumer/incoming.ts";
import { MessagingError } from "../errors.ts";
import { isMessageId, isMessageType } from "../message.ts";
import type { DeadLetterReason } from "../outcome.ts";
import { headers, isInstant, type Headers } from "./codec.ts";
import type { RabbitMQMetrics } from "./metrics.ts";
import type { Queue } from "../queue-definition.ts";
import { returnQueueOf, systemNames } from "./names.ts";
import type { Publisher } from "./publisher.ts";
import type { RabbitIncoming } from "./rabbit-incoming.ts";
import { waitFor, type Rung } from "./rungs.ts";

/**
 * What the broker adds on its way, and further queues that a producer named (CC): a copy that goes round again must not
 * carry them. A cycle would be dropped, and other queues would get the copy too.
 */
const brokersHeaders = /^(?:x-(?:death|first-death-|last-death-|delivery-count|acquired-count)|B?CC$)/;

/** What is said of one way only. */
const once: ReadonlySet<string> = new Set([
  headers.delayLeft,
  headers.redeliveries,
  headers.queue,
  headers.group,
  headers.reason,
  headers.error,
]);

export interface RabbitPort extends DeliveryPort<RabbitIncoming> {
  /** Waits on: what is left of a delay longer than the last rung's. */
  delayFurther(delivery: RabbitIncoming, leftMs: number): Promise<void>;
  /** Writes into the message how often it came back, where the broker doesn't count; it comes again with that. */
  countRedelivery(delivery: RabbitIncoming): Promise<void>;
}

/**
 * Outcomes at RabbitMQ. A retry or dead letter is published and confirmed, then the delivery is acknowledged: a crash in
 * between makes a duplicate with the same id and attempt, never a loss.
 */
export function createRabbitPort(options: {
  prefix: string;
  rungs: readonly Rung[];
  publisher: Publisher;
  publishTimeoutMs: number;
  group: string;
  queue: Queue;
  metrics: RabbitMQMetrics;
}): RabbitPort {
  const { prefix, rungs, publisher, publishTimeoutMs, queue, group, metrics } = options;
  const { deadLetters } = systemNames(prefix);

  async function forward(
    delivery: RabbitIncoming,
    exchange: string,
    routingKey: string,
    changes: { headers: Headers; expirationMs?: number },
  ): Promise<void> {
    const { raw } = delivery;
    const send = (properties: Options.Publish): Promise<void> =>
      publisher.publish(
        { exchange, routingKey, body: raw.content, properties, mayBeUnrouted: false, isShared: false },
        publishTimeoutMs,
      );
    await send(copyProperties(raw, changes)).catch((error: unknown) => {
      if (!(error instanceof MessagingError) || error.code !== "invalid_message") throw error;
      // Another program's properties, which can be read and not be written again: it goes on without them.
      return send(essentialProperties(delivery, changes));
    });
    delivery.channel.ack(raw);
  }

  return {
    complete: (delivery) => delivery.channel.ack(delivery.raw),
    retry: (delivery, delayMs) => {
      const { rung, expirationMs, leftMs } = waitFor(delayMs, rungs);
      return forward(delivery, rung.name, returnQueueOf(queue, delivery.physical), {
        headers: { [headers.attempt]: delivery.attempt + 1, ...(leftMs > 0 ? { [headers.delayLeft]: leftMs } : {}) },
        expirationMs,
      });
    },
    delayFurther: (delivery, left) => {
      const { rung, expirationMs, leftMs } = waitFor(left, rungs);
      return forward(delivery, rung.name, returnQueueOf(queue, delivery.physical), {
        headers: leftMs > 0 ? { [headers.delayLeft]: leftMs } : {},
        expirationMs,
      });
    },
    countRedelivery: (delivery) =>
      forward(delivery, "", delivery.physical, { headers: { [headers.redeliveries]: delivery.redeliveries } }),
    deadLetter: async (delivery, reason: DeadLetterReason, { error }: Failure) => {
      await forward(delivery, "", deadLetters, {
        headers: {
          [headers.queue]: queue.name,
          [headers.group]: group,
          [headers.reason]: reason,
          [headers.error]: error,
          [headers.attempt]: delivery.attempt,
        },
      });
      metrics.deadLettered.inc({ reason });
    },
    release: (delivery) => delivery.channel.release(delivery.raw),
  };
}

/** The message's own properties, for a copy of it. */
function copyProperties(raw: ConsumeMessage, changes: { headers: Headers; expirationMs?: number }): Options.Publish {
  const { properties } = raw;
  const own: Record<string, unknown> = {};
  for (const [name, value] of Object.entries(properties.headers ?? {})) {
    if (!brokersHeaders.test(name) && !once.has(name)) own[name] = value;
  }
  return {
    messageId: properties.messageId,
    type: properties.type,
    contentType: properties.contentType,
    contentEncoding: properties.contentEncoding,
    correlationId: properties.correlationId,
    replyTo: properties.replyTo,
    appId: properties.appId,
    timestamp: properties.timestamp,
    priority: properties.priority,
    deliveryMode: 2,
    mandatory: true,
    ...(changes.expirationMs === undefined ? {} : { expiration: changes.expirationMs }),
    headers: { ...own, ...changes.headers },
  };
}

/** Of a delivery whose properties can't be written again: what it needs to be handled. */
function essentialProperties(
  { message, maxRetries, raw }: RabbitIncoming,
  changes: { headers: Headers; expirationMs?: number },
): Options.Publish {
  const expiresAt: unknown = raw.properties.headers?.[headers.expiresAt];
  return {
    ...(isMessageId(message.id) ? { messageId: message.id } : {}),
    ...(isMessageType(message.type) ? { type: message.type } : {}),
    contentType: message.payload instanceof Uint8Array ? "application/octet-stream" : "application/json",
    priority: message.priority,
    deliveryMode: 2,
    mandatory: true,
    ...(changes.expirationMs === undefined ? {} : { expiration: changes.expirationMs }),
    headers: {
      ...(message.companyId === "default" ? {} : { [headers.company]: message.companyId }),
      ...(message.key === undefined ? {} : { [headers.key]: message.key }),
      ...(message.version === 1 ? {} : { [headers.version]: message.version }),
      ...(maxRetries === null ? {} : { [headers.maxRetries]: maxRetries }),
      ...(isInstant(expiresAt) ? { [headers.expiresAt]: expiresAt } : {}),
      ...changes.headers,
    },
  };
}
