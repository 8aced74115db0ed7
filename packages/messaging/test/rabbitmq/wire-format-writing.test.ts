import { startRabbitMQ, type TestRabbitMQ } from "@fleetwire/testbed";
import type { Options } from "amqplib";
import { afterAll, afterEach, beforeAll, beforeEach, expect, test } from "vitest";
import type { Message } from "../../src/index.ts";
import type { RabbitMQProvider } from "../../src/rabbitmq/index.ts";
import { bands } from "../../src/rabbitmq/names.ts";
import { collector, deadLettersOf } from "../conformance/world.ts";
import { openBarePeer, type BarePeer } from "./bare-peer.ts";
import { openForeignWorld, plain, type ForeignWorld } from "./foreign-world.ts";

// Another program publishes, retries and dead-letters as docs/wire-format.md says; ours is on the other side.

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

beforeEach(async () => {
  world = await openForeignWorld(vhost.url);
  ({ prefix, provider, bare } = world);
});
afterEach(() => world.close());

test("the least that a message needs, and it is handled", async () => {
  const { name, key } = await world.declared();
  const got = collector();
  await provider.subscribe(name, got.take, { group: "workers" });
  await bare.publish(`${prefix}.tasks`, key, '{"n":1}', plain);
  const [delivery] = await got.atLeast(1);
  expect(delivery).toMatchObject({ attempt: 1, redeliveries: 0 });
  expect(delivery?.message).toEqual({
    id: "m1",
    type: "message",
    payload: { n: 1 },
    priority: 6,
    companyId: "default",
    key: undefined,
    correlationId: undefined,
    version: 1,
    metadata: {},
    publishedAt: undefined,
  } satisfies Message);
});

test("every property and header, and the handler has all of it", async () => {
  const { name, key } = await world.declared({ versions: [1, 2] });
  const got = collector();
  await provider.subscribe(name, got.take, { group: "workers" });
  await bare.publish(`${prefix}.tasks`, key, Buffer.of(0, 255), {
    ...plain,
    type: "order.placed",
    contentType: "application/octet-stream",
    priority: 9,
    timestamp: 1_700_000_000,
    correlationId: "request-1",
    headers: {
      "fleetwire-company": "acme",
      "fleetwire-key": "user-7",
      // Whichever integer type another library chooses.
      "fleetwire-version": { "!": "int64", value: 2 },
      "fleetwire-attempt": { "!": "int16", value: 3 },
      "fleetwire-expires-at": "2999-01-01T00:00:00Z",
      "fleetwire-meta-source": "shop",
      "fleetwire-meta-items": { "!": "double", value: 3 },
      "fleetwire-meta-test": false,
      "x-of-mine": "ignored",
    },
  });
  const [delivery] = await got.atLeast(1);
  expect(delivery?.attempt).toBe(3);
  expect(delivery?.message).toMatchObject({
    type: "order.placed",
    payload: Buffer.of(0, 255),
    priority: 9,
    companyId: "acme",
    key: "user-7",
    correlationId: "request-1",
    version: 2,
    publishedAt: new Date(1_700_000_000_000),
  });
  expect({ ...delivery?.message.metadata }).toEqual({ source: "shop", items: 3, test: false });
});

test("to each kind of queue, each band and each partition, by the documented keys", async () => {
  const banded = await world.declared({ priority: "bands" });
  const ordered = await world.declared({ ordered: { partitions: 4 } });
  await provider.declare({ name: "user-events", kind: "event", groups: ["company"] });
  await provider.declare({ name: "alerts", kind: "broadcast", groups: ["archive"] });
  const got = collector<string>();
  const take = ({ queue, message }: { queue: string; message: Message }) => got.take(`${queue} ${message.id}`);
  await provider.subscribe(banded.name, take, { group: "workers" });
  await provider.subscribe(ordered.name, take, { group: "workers" });
  await provider.subscribe("user-events", take, { group: "company" });
  await provider.subscribe("alerts", take, { group: "archive" });
  const tasks = `${prefix}.tasks`;
  for (const { suffix } of bands)
    await bare.publish(tasks, banded.key + suffix, "1", { ...plain, messageId: `b${suffix}` });
  for (const partition of [0, 1, 2, 3])
    await bare.publish(tasks, `${ordered.key}.${partition}`, "1", { ...plain, messageId: `p${partition}` });
  await bare.publish(`${prefix}.events`, "user-events.user.left", "1", plain);
  await bare.publish(`${prefix}.alerts`, "", "1", plain);
  expect((await got.atLeast(10)).toSorted()).toEqual(
    [
      ...["b.urgent", "b.high", "b", "b.low"].map((id) => `${banded.name} ${id}`),
      ...["p0", "p1", "p2", "p3"].map((id) => `${ordered.name} ${id}`),
      "user-events m1",
      "alerts m1",
    ].toSorted(),
  );
});

test("a retry as documented, and our consumer gets the next attempt at its time", async () => {
  const { name, physical } = await world.declared();
  await provider.publish(name, { id: "again", type: "t", payload: { n: 1 }, key: "k", metadata: { source: "test" } });
  const delivery = await bare.take(physical);
  const { headers: own, ...properties } = delivery.properties as Options.Publish & { headers: object };
  await bare.publish(`${prefix}.retry.500ms`, physical, delivery.content, {
    ...properties,
    expiration: 400,
    headers: { ...own, "fleetwire-attempt": 2 },
  });
  const began = performance.now();
  await bare.acknowledge(delivery);
  const got = collector();
  await provider.subscribe(name, got.take, { group: "workers" });
  const [again] = await got.atLeast(1);
  expect(performance.now() - began).toBeGreaterThanOrEqual(350);
  expect(again).toMatchObject({ attempt: 2, redeliveries: 0, message: { id: "again", payload: { n: 1 }, key: "k" } });
  expect({ ...again?.message.metadata }).toEqual({ source: "test" });
});

test("a delay that isn't over, and our consumer sends it on", async () => {
  const { name, key } = await world.declared();
  const got = collector<{ attempt: number; at: number }>();
  await provider.subscribe(name, ({ attempt }) => got.take({ attempt, at: performance.now() }), { group: "workers" });
  const began = performance.now();
  await bare.publish(`${prefix}.tasks`, key, "1", {
    ...plain,
    headers: { "fleetwire-attempt": 2, "fleetwire-delay-left": 400 },
  });
  const [delivery] = await got.atLeast(1);
  expect((delivery?.at ?? 0) - began).toBeGreaterThanOrEqual(399);
  expect(delivery?.attempt).toBe(2);
});

test("a delay that isn't over, of a delivery that came back on a queue with native priority: still not early", async () => {
  const { name, physical, key } = await world.declared({ priority: "native" });
  const began = performance.now();
  await bare.publish(`${prefix}.tasks`, key, "1", { ...plain, headers: { "fleetwire-delay-left": 600 } });
  bare.channel.nack(await bare.take(physical), false, true);
  const got = collector<{ redeliveries: number; at: number }>();
  await provider.subscribe(name, ({ redeliveries }) => got.take({ redeliveries, at: performance.now() }), {
    group: "workers",
  });
  const [delivery] = await got.atLeast(1);
  expect((delivery?.at ?? 0) - began).toBeGreaterThanOrEqual(599);
});

test("what came back on a queue with native priority, counted as documented", async () => {
  const { name, physical } = await world.declared({ priority: "native" });
  await bare.publish(`${prefix}.return`, physical, "1", { ...plain, headers: { "fleetwire-redeliveries": 2 } });
  bare.channel.nack(await bare.take(physical), false, true);
  const got = collector();
  await provider.subscribe(name, got.take, { group: "workers" });
  expect((await got.atLeast(1))[0]).toMatchObject({ attempt: 1, redeliveries: 3 });
});

test("a dead letter as documented, and ours is told of it", async () => {
  const { name, physical } = await world.declared();
  const dead = await deadLettersOf(provider, name);
  await provider.publish(name, { id: "bad", type: "t", payload: { n: 1 }, companyId: "acme" });
  const delivery = await bare.take(physical);
  await bare.publish("", `${prefix}.dlq`, delivery.content, {
    ...(delivery.properties as Options.Publish),
    headers: {
      ...delivery.properties.headers,
      "fleetwire-queue": name,
      "fleetwire-group": "workers",
      "fleetwire-reason": "attempts_exhausted",
      "fleetwire-error": "the model is overloaded",
      "fleetwire-attempt": 4,
    },
  });
  await bare.acknowledge(delivery);
  expect((await dead.atLeast(1))[0]).toMatchObject({
    queue: name,
    group: "workers",
    reason: "attempts_exhausted",
    error: "the model is overloaded",
    attempt: 4,
    message: { id: "bad", payload: { n: 1 }, companyId: "acme" },
  });
});

test("basic.reject, and the broker's dead letter says queue, group and reason", async () => {
  const { name, physical } = await world.declared({ kind: "event", name: "rejected-events", groups: ["a", "b"] });
  const dead = await deadLettersOf(provider, name);
  await provider.publish(name, { id: "bad", type: "t", payload: 1 });
  const delivery = await bare.take(`${physical}.b`);
  bare.channel.reject(delivery, false);
  expect((await dead.atLeast(1))[0]).toMatchObject({
    queue: name,
    group: "b",
    reason: "rejected",
    attempt: 1,
    message: { id: "bad" },
  });
});

test("basic.nack, and it comes again with its attempt unspent", async () => {
  const { name, physical } = await world.declared();
  await provider.publish(name, { id: "m", type: "t", payload: 1 });
  bare.channel.nack(await bare.take(physical), false, true);
  const got = collector();
  await provider.subscribe(name, got.take, { group: "workers" });
  expect((await got.atLeast(1))[0]).toMatchObject({ attempt: 1, redeliveries: 1 });
});

test("with the documented permissions and no other", async () => {
  const { name, physical, key } = await world.declared();
  const escaped = prefix.replaceAll(".", String.raw`\.`);
  const user = { vhost: vhost.name, password: "only-for-this-test", configure: "^$" };
  await broker.addUser({ ...user, name: "writer", write: `^${escaped}\\.tasks$`, read: "^$" });
  await broker.addUser({
    ...user,
    name: "reader",
    write: `^(${escaped}\\.retry(\\..*)?|amq\\.default)$`,
    read: `^${escaped}\\.${name.replace(".", String.raw`\.`)}$`,
  });
  const as = (user: string) => {
    const url = new URL(vhost.url);
    url.username = user;
    url.password = "only-for-this-test";
    return openBarePeer(url.toString());
  };
  const writer = await as("writer");
  await writer.publish(`${prefix}.tasks`, key, "1", plain);
  await writer.close();
  const reader = await as("reader");
  const first = await reader.take(physical);
  await reader.publish(`${prefix}.retry.250ms`, physical, "1", {
    ...plain,
    expiration: 1,
    headers: { "fleetwire-attempt": 2 },
  });
  reader.channel.ack(first);
  const second = await reader.take(physical);
  await reader.publish("", `${prefix}.dlq`, "1", plain);
  reader.channel.ack(second);
  await reader.close();
  expect(await provider.countDeadLetters()).toBe(1);
});
