import { eventually, startRabbitMQ, type TestRabbitMQ } from "@fleetwire/testbed";
import type { Options } from "amqplib";
import { Registry } from "prom-client";
import { afterAll, afterEach, beforeAll, beforeEach, describe, expect, test } from "vitest";
import { Reject, Retry, type DeadLetter, type QueueDefinition } from "../../src/index.ts";
import type { RabbitMQOptions, RabbitMQProvider } from "../../src/rabbitmq/index.ts";
import { collector, deadLettersOf, until } from "../conformance/world.ts";
import { handledInputs, hardToCopy, refusedInputs } from "./bad-input.ts";
import type { BarePeer } from "./bare-peer.ts";
import { openForeignWorld, plain, type ForeignWorld } from "./foreign-world.ts";

let broker: TestRabbitMQ;
let vhost: { name: string; url: string };
let world: ForeignWorld;
let prefix: string;
let provider: RabbitMQProvider;
let bare: BarePeer;

beforeAll(async () => {
  broker = await startRabbitMQ();
  vhost = await broker.createVhost();
}, 300_000);
afterAll(() => broker.close());

async function open(options: Partial<RabbitMQOptions> = {}): Promise<void> {
  world = await openForeignWorld(vhost.url, options);
  ({ prefix, provider, bare } = world);
}

/** The bad one is retried once where it is handled: its copy has to be one that the broker takes. */
async function handle(name: string) {
  const got = collector();
  await provider.subscribe(
    name,
    (delivery) => {
      got.take(delivery);
      if (delivery.message.id === "bad" && delivery.attempt === 1) throw new Retry({ after: 1 });
    },
    { group: "workers" },
  );
  return got;
}

/** A message that came back from a rung, whose record of that way it carries. */
async function retriedOnce(changes: Partial<QueueDefinition>) {
  const queue = await world.declared(changes);
  await provider.publish(queue.name, { id: "again", type: "t", payload: 1 });
  const delivery = await bare.take(queue.physical);
  await bare.publish(`${prefix}.retry.250ms`, queue.physical, delivery.content, {
    ...(delivery.properties as Options.Publish),
    expiration: 1,
    headers: { "fleetwire-attempt": 2 },
  });
  await bare.acknowledge(delivery);
  return queue;
}

async function letterOf(): Promise<DeadLetter | undefined> {
  const found = collector<DeadLetter>();
  await provider.consumeDeadLetters(found.take);
  return (await found.atLeast(1))[0];
}

describe("another program that keeps to nothing", () => {
  const metrics = new Registry();
  const letters: DeadLetter[] = [];
  const lettersOf = (name: string) => letters.filter(({ queue }) => queue === name);
  beforeAll(async () => {
    await open({ metrics });
    await provider.consumeDeadLetters((letter) => void letters.push(letter));
  });
  afterAll(() => world.close());

  async function thenAGoodOne(name: string, key: string, got: Awaited<ReturnType<typeof handle>>, deliveries: number) {
    await bare.publish(`${prefix}.tasks`, key, '"good"', { ...plain, messageId: "good" });
    await until("the good one", () => got.items.some(({ message }) => message.payload === "good"));
    // Nothing of it goes round and round.
    await until("nothing waits", async () => (await provider.getQueueStats(name)).groups[0]?.ready === 0);
    const text = await metrics.metrics();
    expect(text).toContain(`queue_messages_received_total{queue="${name}",group="workers"} ${deliveries}\n`);
    expect(Object.hasOwn(Object.prototype, "polluted")).toBe(false);
  }

  test.each(refusedInputs)("$title is a dead letter", async ({ body = "1", properties, becomes }) => {
    const { name, key } = await world.declared();
    const got = await handle(name);
    await bare.publish(`${prefix}.tasks`, key, body, { deliveryMode: 2, ...properties });
    await until("the dead letter", () => lettersOf(name).length > 0);
    await thenAGoodOne(name, key, got, 2);
    expect(lettersOf(name)).toMatchObject([{ ...becomes, attempt: 1, body: Buffer.from(body) }]);
    expect(got.items).toHaveLength(1);
  });

  test.each(handledInputs)("$title is handled", async ({ body = "1", properties, becomes }) => {
    const { name, key } = await world.declared();
    const got = await handle(name);
    await bare.publish(`${prefix}.tasks`, key, body, { deliveryMode: 2, ...properties });
    await until("both attempts", () => got.items.length === 2);
    await thenAGoodOne(name, key, got, 3);
    expect(got.items.map(({ attempt }) => attempt)).toEqual([1, 2, 1]);
    const { message } = got.items[1] ?? {};
    expect(message).toMatchObject(becomes.message);
    expect(Object.entries(message?.metadata ?? {})).toEqual(becomes.metadata);
    expect(lettersOf(name)).toEqual([]);
  });

  test("a message id that isn't UTF-8 is a dead letter", async () => {
    const { name, key } = await world.declared();
    const got = await handle(name);
    // The property's flag, its length, and four bytes that no text has.
    bare.publishRaw(`${prefix}.tasks`, key, Buffer.from("1"), Buffer.of(0, 0x80, 4, 0xff, 0xfe, 0xff, 0xfe));
    await until("the dead letter", () => lettersOf(name).length > 0);
    expect(lettersOf(name)).toMatchObject([
      { reason: "malformed", error: "the message-id isn't 1 to 36 printable ASCII characters", attempt: 1 },
    ]);
    await thenAGoodOne(name, key, got, 2);
  });

  test("none of them cost a connection", async () => {
    expect(await provider.healthCheck()).toBe(true);
    const text = await metrics.metrics();
    for (const connection of ["publish", "consume"])
      expect(text).toContain(`rabbitmq_connection_successes_total{connection="${connection}"} 1\n`);
  });
});

describe("another program whose messages are hard to copy", () => {
  beforeEach(() => open({ publishTimeoutMs: 500 }));
  afterEach(() => world.close());
  const soon = { deadlineMs: 3_000 };

  /** Gives the dead letter; by then a good message behind it was handled, and one of our own is stored. */
  async function letterOfOneThatHoldsUpNothing(
    send: (key: string) => Promise<void> | void,
  ): Promise<DeadLetter | undefined> {
    const { name, key } = await world.declared();
    const dead = await deadLettersOf(provider, name);
    const got = collector();
    await provider.subscribe(
      name,
      (delivery) => {
        got.take(delivery);
        if (delivery.message.id !== "good") throw new Reject("no");
      },
      { group: "workers" },
    );
    await send(key);
    await eventually(() => dead.items.length === 1, { ...soon, what: "the dead letter" });
    await bare.publish(`${prefix}.tasks`, key, "1", { ...plain, messageId: "good" });
    await eventually(() => got.items.some(({ message }) => message.id === "good"), { ...soon, what: "the good one" });
    await provider.publish(name, { id: "good", type: "t", payload: 1 }, { deadline: "300ms" });
    return dead.items[0];
  }

  test.each(hardToCopy)("$title", async ({ properties }) => {
    const letter = await letterOfOneThatHoldsUpNothing((key) =>
      bare.publish(`${prefix}.tasks`, key, "1", { deliveryMode: 2, ...properties }),
    );
    expect(letter).toMatchObject({ group: "workers", message: { id: "bad" }, body: Buffer.from("1") });
  });

  test("a retry of one keeps its own number of retries and its end", async () => {
    const { name, key } = await world.declared({ retry: { initial: 1, max: 1 } });
    await provider.subscribe(
      name,
      () => {
        throw new Error("no");
      },
      { group: "workers" },
    );
    const own = { "fleetwire-max-retries": 1, "fleetwire-expires-at": "2999-01-01T00:00:00.000Z" };
    const headers = { ...hardToCopy[0]?.properties.headers, ...own };
    await bare.publish(`${prefix}.tasks`, key, "1", { ...plain, headers });
    const letter = await bare.take(`${prefix}.dlq`);
    expect(letter.properties.headers).toMatchObject({
      ...own,
      "fleetwire-reason": "attempts_exhausted",
      "fleetwire-attempt": 2,
    });
  });

  test("a long message id that isn't UTF-8", async () => {
    const properties = Buffer.concat([Buffer.of(0, 0x80, 200), Buffer.alloc(200, 0xff)]);
    const letter = await letterOfOneThatHoldsUpNothing((key) =>
      bare.publishRaw(`${prefix}.tasks`, key, Buffer.from("1"), properties),
    );
    expect(letter).toMatchObject({ group: "workers", reason: "malformed", body: Buffer.from("1") });
  });

  test("one of our own that no frame can hold is refused alone", async () => {
    const { name } = await world.declared();
    const longest = { type: "t", payload: 1, correlationId: "漢".repeat(128) };
    const refused = provider.publish(name, longest).catch((error: unknown) => error);
    await provider.publish(name, { type: "t", payload: 1 }, { deadline: "300ms" });
    expect(await refused).toMatchObject({ code: "invalid_message" });
  });

  test.each(["CC", "BCC"])("%s names another queue, and a retry doesn't go there", async (header) => {
    const { name, key } = await world.declared();
    const other = await world.declared();
    const got = collector();
    await provider.subscribe(
      name,
      (delivery) => {
        got.take(delivery);
        if (delivery.attempt === 1) throw new Retry({ after: 1 });
        throw new Reject("no");
      },
      { group: "workers" },
    );
    await bare.publish(`${prefix}.tasks`, key, "1", { ...plain, headers: { [header]: [other.physical] } });
    await eventually(async () => (await provider.countDeadLetters()) === 1, { ...soon, what: "the dead letter" });
    expect(got.items).toHaveLength(2);
    expect((await provider.getQueueStats(other.name)).groups[0]?.ready).toBe(0);
  });

  test("an x-delivery-count of its own counts for nothing", async () => {
    const { name, key } = await world.declared();
    const got = collector();
    await provider.subscribe(name, got.take, { group: "workers" });
    await bare.publish(`${prefix}.tasks`, key, "1", { ...plain, headers: { "x-delivery-count": 100 } });
    await eventually(() => got.items.length === 1, { ...soon, what: "the delivery" });
    expect(got.items[0]).toMatchObject({ redeliveries: 0 });
  });

  test("a timestamp that is no date is none", async () => {
    const { name, key } = await world.declared();
    const got = collector();
    await provider.subscribe(name, got.take, { group: "workers" });
    await bare.publish(`${prefix}.tasks`, key, "1", { ...plain, timestamp: 1.7e18 });
    await eventually(() => got.items.length === 1, { ...soon, what: "the delivery" });
    expect(got.items[0]?.message.publishedAt).toBeUndefined();
  });
});

describe("the broker's own dead letter of a message that was retried before", () => {
  beforeEach(() => open());
  afterEach(() => world.close());

  test("it was rejected: queue, group and reason are those of the last death", async () => {
    const { name, physical } = await retriedOnce({});
    bare.channel.reject(await bare.take(physical), false);
    expect(await letterOf()).toMatchObject({ queue: name, group: "workers", reason: "rejected", attempt: 2 });
  });

  test("it expired: the same", async () => {
    const { name } = await retriedOnce({ ttl: "300ms" });
    expect(await letterOf()).toMatchObject({ queue: name, group: "workers", reason: "expired", attempt: 2 });
  });
});
