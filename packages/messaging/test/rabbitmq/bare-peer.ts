import { once } from "node:events";
import { connect, type ConfirmChannel, type ConsumeMessage, type Options } from "amqplib";

const deadlineMs = 15_000;

/** Another program: amqplib alone, on a connection of its own. Nothing of the package is in it. */
export interface BarePeer {
  readonly channel: ConfirmChannel;
  /** Publishes with `mandatory`; resolves when it is confirmed. @throws Error when no queue took it. */
  publish(exchange: string, routingKey: string, body: Buffer | string, properties: Options.Publish): Promise<void>;
  /** Publishes frames made by hand, for what no client library sends; the properties' flags and bytes as given. */
  publishRaw(exchange: string, routingKey: string, body: Buffer, properties: Buffer): void;
  /** The next message of a queue, unacknowledged, once there is one. */
  take(queue: string): Promise<ConsumeMessage>;
  /** Acknowledges in order: resolves when the broker has done it. */
  acknowledge(message: ConsumeMessage): Promise<void>;
  close(): Promise<void>;
}

export async function openBarePeer(url: string): Promise<BarePeer> {
  const connection = await connect(url);
  const channel = await connection.createConfirmChannel();
  const returned = new Set<string>();
  channel.on("return", ({ properties }) => returned.add(String(properties.messageId)));

  return {
    channel,
    publish: async (exchange, routingKey, body, properties) => {
      const content = typeof body === "string" ? Buffer.from(body) : body;
      channel.publish(exchange, routingKey, content, { mandatory: true, ...properties });
      await channel.waitForConfirms();
      if (returned.delete(String(properties.messageId))) throw new Error(`no queue took it by "${routingKey}"`);
    },
    publishRaw: (exchange, routingKey, body, properties) => {
      // Class 60 is basic, its method 40 publish; the header says class, weight and the body's size.
      const method = Buffer.concat([shorts(60, 40, 0), shortText(exchange), shortText(routingKey), Buffer.of(0)]);
      const header = Buffer.concat([shorts(60, 0), sizeOf(body), properties]);
      const { stream } = connection.connection as unknown as { stream: NodeJS.WritableStream };
      const { ch } = channel as unknown as { ch: number };
      for (const [type, payload] of [
        [1, method],
        [2, header],
        [3, body],
      ] as const)
        stream.write(Buffer.concat([Buffer.of(type), shorts(ch), longOf(payload), payload, Buffer.of(0xce)]));
    },
    take: async (queue) => {
      await channel.prefetch(1);
      const { promise, resolve, reject } = Promise.withResolvers<ConsumeMessage>();
      const late = setTimeout(() => reject(new Error(`no message came from ${queue}`)), deadlineMs);
      const { consumerTag } = await channel.consume(queue, (message) => {
        if (message !== null) resolve(message);
      });
      try {
        return await promise;
      } finally {
        clearTimeout(late);
        await channel.cancel(consumerTag);
      }
    },
    acknowledge: async (message) => {
      channel.ack(message);
      // The broker works a channel's frames off in order.
      await channel.checkExchange("amq.direct");
    },
    close: async () => {
      const closed = once(connection, "close");
      await connection.close();
      await closed;
    },
  };
}

/** What a message has: its properties and headers, without those that it hasn't. */
export function saidBy({ properties }: ConsumeMessage): Record<string, unknown> {
  return Object.fromEntries(Object.entries(properties).filter(([, value]) => value !== undefined));
}

function shorts(...values: number[]): Buffer {
  const buffer = Buffer.alloc(2 * values.length);
  values.forEach((value, at) => buffer.writeUInt16BE(value, 2 * at));
  return buffer;
}

function shortText(text: string): Buffer {
  return Buffer.concat([Buffer.of(text.length), Buffer.from(text)]);
}

function sizeOf(body: Buffer): Buffer {
  const buffer = Buffer.alloc(8);
  buffer.writeBigUInt64BE(BigInt(body.length));
  return buffer;
}

function longOf(payload: Buffer): Buffer {
  const buffer = Buffer.alloc(4);
  buffer.writeUInt32BE(payload.length);
  return buffer;
}
