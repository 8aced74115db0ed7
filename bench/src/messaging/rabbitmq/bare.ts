import { newMessageId, priorities } from "@fleetwire/messaging";
import { connect, type Options } from "amqplib";
import { messageType, prefetch, type Side } from "../side.ts";

const jsonType = "application/json";

/** Where the bare client publishes and consumes. */
export interface BareQueue {
  name: string;
  exchange: string;
  routingKey: string;
}

export interface BareSide extends Side {
  close(): Promise<void>;
}

/**
 * amqplib by itself, as well as it can be used: a connection to publish and one to consume, without Nagle's delay. It
 * sends the properties that ours sends, so that the broker does the same work.
 */
export async function bareSide(url: string, queue: BareQueue): Promise<BareSide> {
  const { name, exchange, routingKey } = queue;
  const [publishing, consuming] = [await connect(url, { noDelay: true }), await connect(url, { noDelay: true })];
  const [sender, receiver] = [await publishing.createConfirmChannel(), await consuming.createChannel()];
  await receiver.prefetch(prefetch);

  const publish = (payload: unknown): Promise<void> =>
    new Promise((resolve, reject) => {
      const isBytes = Buffer.isBuffer(payload);
      const body = isBytes ? payload : Buffer.from(JSON.stringify(payload));
      const contentType = isBytes ? "application/octet-stream" : jsonType;
      sender.publish(exchange, routingKey, body, propertiesOf(contentType), (error: unknown) => {
        if (error === null || error === undefined) resolve();
        else reject(new Error(`RabbitMQ refused a message to ${name}`, { cause: error }));
      });
    });

  return {
    name: "amqplib",
    publish,
    consume: async (handled) => {
      const { consumerTag } = await receiver.consume(name, (message) => {
        if (message === null) return; // the consumer was cancelled: whoever waits says so
        if (message.properties.contentType === jsonType) JSON.parse(message.content.toString());
        handled();
        receiver.ack(message);
      });
      // The channel stays: acknowledgements that a quorum queue hasn't got to yet are lost with it.
      return { close: async () => void (await receiver.cancel(consumerTag)) };
    },
    waiting: async () => (await receiver.checkQueue(name)).messageCount,
    purge: async () => void (await receiver.purgeQueue(name)),
    close: async () => {
      await Promise.all([publishing.close(), consuming.close()]);
    },
  };
}

function propertiesOf(contentType: string): Options.Publish {
  return {
    messageId: newMessageId(),
    type: messageType,
    contentType,
    deliveryMode: 2,
    mandatory: true,
    priority: priorities.normal,
    timestamp: Math.floor(Date.now() / 1_000),
    headers: {},
  };
}
