import { isDeepStrictEqual } from "node:util";
import { connect, type Channel, type ChannelModel } from "amqplib";
import type { TestRabbitMQ } from "@fleetwire/testbed";
import type { Side } from "../side.ts";
import type { BareQueue } from "./bare.ts";

/** Makes the bare client's queue as ours is: with all of its arguments, by a direct exchange. */
export async function copyQueue(broker: TestRabbitMQ, vhost: string, ours: string, bare: BareQueue): Promise<void> {
  const path = `/api/queues/${encodeURIComponent(vhost)}/${encodeURIComponent(ours)}`;
  const { arguments: own } = (await broker.api("GET", path)) as { arguments: Record<string, unknown> };
  await onChannel(broker.url(vhost), async (channel) => {
    await channel.assertExchange(bare.exchange, "direct");
    await channel.assertQueue(bare.name, { durable: true, arguments: own });
    await channel.bindQueue(bare.name, bare.exchange, bare.routingKey);
  });
}

/**
 * That both sides put the same on the wire, but for what each message has of its own.
 *
 * @throws Error that shows both.
 */
export async function expectSameOnWire(
  url: string,
  ours: { side: Side; queue: string },
  bare: { side: Side; queue: string },
  payload: unknown,
): Promise<void> {
  await ours.side.publish(payload);
  await bare.side.publish(payload);
  const [first, second] = await onChannel(url, async (channel) => [
    await take(channel, ours.queue),
    await take(channel, bare.queue),
  ]);
  if (isDeepStrictEqual(first, second)) return;
  throw new Error(`the bare client doesn't send what ours sends: ${JSON.stringify({ ours: first, bare: second })}`);
}

async function take(channel: Channel, queue: string) {
  const message = await channel.get(queue, { noAck: true });
  if (message === false) throw new Error(`there is no message in ${queue}`);
  const { messageId, timestamp, ...properties } = message.properties;
  return {
    ...properties,
    messageId: typeof messageId === "string" ? messageId.length : messageId,
    timestamp: typeof timestamp,
    body: message.content.toString("latin1"),
  };
}

async function onChannel<T>(url: string, work: (channel: Channel) => Promise<T>): Promise<T> {
  const connection: ChannelModel = await connect(url);
  try {
    return await work(await connection.createChannel());
  } finally {
    await connection.close();
  }
}
