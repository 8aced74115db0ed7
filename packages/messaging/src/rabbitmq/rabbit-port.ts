import type { ConsumeMessage, Options } from "amqplib";
import type { DeliveryPort, Failure } from "../consumer/incoming.ts";
import type { DeadLetterReason } from "../outcome.ts";
import { headers, type Headers } from "./codec.ts";
import type { RabbitMQMetrics } from "./metrics.ts";
import { systemNames } from "./names.ts";
import type { Outgoing } from "./publish-entry.ts";
import type { Publisher } from "./publisher.ts";
import type { RabbitIncoming } from "./rabbit-incoming.ts";
import { waitFor, type Rung } from "./rungs.ts";

/** What the broker adds on its way; a copy that goes round again must not carry it (a cycle would be dropped). */
const brokersHeaders = /^x-(?:death|first-death-|last-death-|delivery-count|acquired-count)/;

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
  queue: string;
  metrics: RabbitMQMetrics;
}): RabbitPort {
  const { prefix, rungs, publisher, publishTimeoutMs, queue, group, metrics } = options;
  const { deadLetters, back } = systemNames(prefix);

  async function forward(
    delivery: RabbitIncoming,
    exchange: string,
    routingKey: string,
    changes: { headers: Headers; expirationMs?: number },
  ): Promise<void> {
    const { raw } = delivery;
    const message: Outgoing = {
      exchange,
      routingKey,
      body: raw.content,
      properties: copyProperties(raw, changes),
      mayBeUnrouted: false,
    };
    await publisher.publish(message, publishTimeoutMs);
    delivery.channel.ack(raw);
  }

  return {
    complete: (delivery) => delivery.channel.ack(delivery.raw),
    retry: (delivery, delayMs) => {
      const { rung, expirationMs, leftMs } = waitFor(delayMs, rungs);
      return forward(delivery, rung.name, delivery.physical, {
        headers: { [headers.attempt]: delivery.attempt + 1, ...(leftMs > 0 ? { [headers.delayLeft]: leftMs } : {}) },
        expirationMs,
      });
    },
    delayFurther: (delivery, left) => {
      const { rung, expirationMs, leftMs } = waitFor(left, rungs);
      return forward(delivery, rung.name, delivery.physical, {
        headers: leftMs > 0 ? { [headers.delayLeft]: leftMs } : {},
        expirationMs,
      });
    },
    countRedelivery: (delivery) =>
      forward(delivery, back, delivery.physical, { headers: { [headers.redeliveries]: delivery.redeliveries } }),
    deadLetter: async (delivery, reason: DeadLetterReason, { error }: Failure) => {
      await forward(delivery, "", deadLetters, {
        headers: {
          [headers.queue]: queue,
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
