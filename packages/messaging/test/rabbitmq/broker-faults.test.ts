import { createLedger, startRabbitMQ, type TestRabbitMQ } from "@fleetwire/testbed";
import { afterAll, afterEach, beforeAll, expect, test } from "vitest";
import { MessagingError, type QueueProvider } from "../../src/index.ts";
import { createRabbitMQProvider, type RabbitMQOptions } from "../../src/rabbitmq/index.ts";
import { collector, until } from "../conformance/world.ts";
import { freshPrefix, optionsFor } from "./harness.ts";

let broker: TestRabbitMQ;
let vhost: { name: string; url: string };
const open: QueueProvider[] = [];

beforeAll(async () => {
  broker = await startRabbitMQ();
  vhost = await broker.createVhost();
}, 300_000);
afterEach(() => Promise.all(open.splice(0).map((provider) => provider.close({ deadline: "1s" }))));
afterAll(() => broker.close());

async function provider(changes: Partial<RabbitMQOptions> = {}) {
  const options = optionsFor(vhost.url, { prefix: freshPrefix(), ...changes });
  const created = Object.assign(createRabbitMQProvider(options), { prefix: options.prefix ?? "" });
  open.push(created);
  await created.initialize();
  return created;
}

const at = (name: string) => `${encodeURIComponent(vhost.name)}/${encodeURIComponent(name)}`;

/** Has `total` messages published, `atOnce` under way; `then` is called for each with what became of it. */
async function publishMany(total: number, atOnce: number, publish: (n: number) => Promise<void>): Promise<void> {
  let next = 0;
  const one = async (): Promise<void> => {
    while (next < total) await publish(next++);
  };
  await Promise.all(Array.from({ length: atOnce }, one));
}

test("kill -9 of the broker during 10,000 confirmed publishes loses none", async () => {
  const mine = await provider();
  await mine.declare({ name: "tasks.f", kind: "task", groups: ["workers"] });
  // RabbitMQ 3.10 has the name of a new quorum queue on disk after about a second; one that is killed before never finds
  // the queue's leader again. Nothing tells when it has.
  await new Promise((resolve) => setTimeout(resolve, 3_000));
  const ledger = createLedger();
  let confirmed = 0;
  const failures = new Set<string>();
  let killed: Promise<void> | undefined;
  await publishMany(10_000, 200, async (n) => {
    const id = `m${n}`;
    ledger.attempted(id);
    try {
      await mine.publish("tasks.f", { id, type: "t", payload: n }, { deadline: "60s" });
      ledger.confirmed(id);
      confirmed += 1;
    } catch (error) {
      failures.add(error instanceof MessagingError ? error.code : String(error));
    }
    if (confirmed >= 4_000) killed ??= broker.kill9().then(() => broker.start());
  });
  await killed;
  expect(killed).toBeDefined();
  const received = new Set<string>();
  await mine.subscribe(
    "tasks.f",
    ({ message }) => {
      received.add(message.id);
      ledger.received(message.id, "completed");
    },
    { group: "workers", concurrency: 100 },
  );
  await until("all that was confirmed", () => received.size >= confirmed);
  ledger.assertNothingLostNothingTwice();
  // The deadline is longer than the outage: nothing fails.
  expect([...failures]).toEqual([]);
  expect(confirmed).toBe(10_000);
}, 120_000);

test("a deadline that passes while the broker is away is an error that says so, and the buffer is bounded", async () => {
  const mine = await provider({ maxBuffered: 5 });
  await mine.declare({ name: "tasks.f", kind: "task", groups: ["workers"] });
  await broker.stop();
  try {
    await until("the loss", async () => !(await mine.healthCheck()));
    expect(mine.problem).toMatch(/connection to RabbitMQ was lost|nothing listens/);
    const results = await Promise.allSettled(
      Array.from({ length: 8 }, (_, n) => mine.publish("tasks.f", { type: "t", payload: n }, { deadline: "500ms" })),
    );
    const codes = results.map((result) =>
      result.status === "rejected" && result.reason instanceof MessagingError ? result.reason.code : "",
    );
    expect(codes.filter((code) => code === "publish_timeout")).toHaveLength(5);
    expect(codes.filter((code) => code === "buffer_full")).toHaveLength(3);
    await expect(mine.publish("tasks.f", { type: "t", payload: 1 }, { deadline: 1 })).rejects.toMatchObject({
      retryable: true,
    });
  } finally {
    await broker.start();
  }
}, 90_000);

test.each(["memory", "disk"] as const)(
  "a broker that is out of %s: publishes wait and say why, deliveries go on, and all of it recovers",
  async (alarm) => {
    const mine = await provider();
    await mine.declare({ name: "tasks.f", kind: "task", groups: ["workers"] });
    for (let n = 0; n < 50; n++) await mine.publish("tasks.f", { type: "before", payload: n });
    await broker.blockPublishers(alarm);
    const got = collector();
    try {
      // The broker says that it is blocked at the first publish.
      const first = mine.publish("tasks.f", { id: "waits", type: "after", payload: 1 }, { deadline: "60s" });
      await until("the word of it", async () => !(await mine.healthCheck()));
      expect(mine.problem).toBe("RabbitMQ takes no messages: it is out of memory or disk");
      await expect(mine.publish("tasks.f", { type: "late", payload: 1 }, { deadline: "300ms" })).rejects.toThrow(
        /the broker takes no messages \(memory or disk\)/,
      );
      // Acknowledgements aren't held up: they have a connection of their own.
      await mine.subscribe("tasks.f", got.take, { group: "workers" });
      await got.atLeast(50);
      await until("all acknowledged", async () => (await mine.getQueueStats("tasks.f")).groups[0]?.ready === 0);
      await broker.unblockPublishers();
      await first;
    } finally {
      await broker.unblockPublishers();
    }
    await until("health", () => mine.healthCheck());
    await until("the one that waited", () => got.items.some(({ message }) => message.id === "waits"));
    expect(got.items.some(({ message }) => message.type === "late")).toBe(false);
  },
  90_000,
);

test("a broker that was out of memory and is started again takes messages at once", async () => {
  const mine = await provider();
  await mine.declare({ name: "tasks.f", kind: "task", groups: ["workers"] });
  await broker.blockPublishers("memory");
  const waiting = mine.publish("tasks.f", { id: "waits", type: "t", payload: 1 }, { deadline: "60s" });
  await until("the word of it", async () => !(await mine.healthCheck()));
  await broker.restart();
  await waiting;
  await mine.publish("tasks.f", { type: "t", payload: 2 });
  expect(await until("health", () => mine.healthCheck())).toBe(true);
  expect(mine.problem).toBeUndefined();
}, 90_000);

test("a channel that the broker closes is opened again: the delivery that was held too long comes again, others go on", async () => {
  // Channels are looked at each half second instead of each minute, and may hold a delivery for two.
  await broker.ctl(
    "eval",
    "application:set_env(rabbit, channel_tick_interval, 500), application:set_env(rabbit, consumer_timeout, 2000).",
  );
  const mine = await provider({ maxRedeliveries: 10 });
  await mine.declare({ name: "tasks.f", kind: "task", groups: ["workers"] });
  const seen: string[] = [];
  let aborted = false;
  await mine.subscribe(
    "tasks.f",
    async ({ message, redeliveries, signal }) => {
      seen.push(`${message.type} ${redeliveries}`);
      if (message.type !== "stuck" || redeliveries > 0) return;
      await new Promise((resolve) => signal.addEventListener("abort", resolve, { once: true }));
      aborted = true;
    },
    { group: "workers", concurrency: 2 },
  );
  await mine.publish("tasks.f", { type: "stuck", payload: 1 });
  await mine.publish("tasks.f", { type: "quick", payload: 1 });
  await until("the second delivery", () => seen.includes("stuck 1"));
  expect(aborted).toBe(true);
  expect(seen).toContain("quick 0");
  await mine.publish("tasks.f", { type: "later", payload: 1 });
  await until("what comes later", () => seen.includes("later 0"));
  await broker.ctl(
    "eval",
    "application:set_env(rabbit, channel_tick_interval, 60000), application:set_env(rabbit, consumer_timeout, 1800000).",
  );
}, 60_000);

test("an exchange that is deleted closes the publisher's channel: that publish says so, others go on", async () => {
  const mine = await provider();
  await mine.declare({ name: "tasks.f", kind: "task", groups: ["workers"] });
  await mine.declare({ name: "alerts", kind: "broadcast", groups: ["archive"] });
  await broker.api("DELETE", `/api/exchanges/${at(`${mine.prefix}.alerts`)}`);
  const results = await Promise.allSettled([
    ...Array.from({ length: 20 }, (_, n) => mine.publish("tasks.f", { type: "t", payload: n })),
    mine.publish("alerts", { type: "t", payload: 1 }),
    ...Array.from({ length: 20 }, (_, n) => mine.publish("tasks.f", { type: "t", payload: n })),
  ]);
  expect(results.filter(({ status }) => status === "fulfilled")).toHaveLength(40);
  expect(results[20]).toMatchObject({ status: "rejected", reason: { code: "unroutable" } });
  await mine.declare({ name: "alerts", kind: "broadcast", groups: ["archive"] });
  await mine.publish("alerts", { type: "t", payload: 1 });
});

test("a queue that is deleted under its consumer is made and consumed again", async () => {
  const mine = await provider();
  await mine.declare({ name: "tasks.f", kind: "task", groups: ["workers"] });
  const got = collector();
  await mine.subscribe("tasks.f", got.take, { group: "workers" });
  await mine.publish("tasks.f", { type: "one", payload: 1 });
  await got.atLeast(1);
  await broker.api("DELETE", `/api/queues/${at(`${mine.prefix}.tasks.f`)}`);
  await until("it is consumed again", async () => (await mine.getQueueStats("tasks.f")).groups[0]?.consumers !== 0);
  await mine.publish("tasks.f", { type: "two", payload: 1 });
  expect((await got.atLeast(2))[1]?.message.type).toBe("two");
});

test("a queue whose arguments were changed is quarantined by name, and the rest goes on", async () => {
  const first = await provider();
  await first.declare({ name: "tasks.changed", kind: "task", groups: ["workers"], maxLength: 100 });
  const second = await provider({ prefix: first.prefix });
  await second.declare({ name: "tasks.fine", kind: "task", groups: ["workers"] });
  const changed = second.declare({ name: "tasks.changed", kind: "task", groups: ["workers"], maxLength: 200 });
  await expect(changed).rejects.toMatchObject({ code: "queue_quarantined" });
  await expect(changed).rejects.toThrow(/tasks\.changed is at the broker with other arguments.*x-max-length/);
  await expect(second.publish("tasks.changed", { type: "t", payload: 1 })).rejects.toMatchObject({
    code: "queue_quarantined",
  });
  await expect(second.subscribe("tasks.changed", () => {}, { group: "workers" })).rejects.toMatchObject({
    code: "queue_quarantined",
  });
  const got = collector();
  await second.subscribe("tasks.fine", got.take, { group: "workers" });
  await second.publish("tasks.fine", { type: "t", payload: 1 });
  await got.atLeast(1);
  expect([...second.quarantined.keys()]).toEqual([`${first.prefix}.tasks.changed`]);
  // Whoever has the old definition goes on as before.
  await first.publish("tasks.changed", { type: "t", payload: 1 });
});

test("a plan says what declaring would make, what it can't change, and what nobody wants any more", async () => {
  const management = new URL(broker.managementUrl);
  management.username = broker.user;
  management.password = broker.password;
  const first = await provider();
  await first.declare({ name: "tasks.old", kind: "task", groups: ["workers"] });
  await first.declare({ name: "tasks.changed", kind: "task", groups: ["workers"], priority: "native" });
  const second = await provider({ prefix: first.prefix, managementUrl: management.toString() });
  const plan = await second.planTopology([
    { name: "tasks.new", kind: "task", groups: ["workers"] },
    { name: "tasks.changed", kind: "task", groups: ["workers"] },
  ]);
  expect(plan).toContainEqual({ kind: "create", what: "queue", name: `${first.prefix}.tasks.new` });
  expect(plan).toContainEqual({ kind: "unwanted", name: `${first.prefix}.tasks.old`, messages: 0 });
  expect(plan).toContainEqual({
    kind: "mismatch",
    name: `${first.prefix}.tasks.changed`,
    argument: "x-queue-type",
    wanted: "quorum",
    found: "classic",
  });
  const blind = await first.planTopology([{ name: "tasks.new", kind: "task", groups: ["workers"] }]);
  expect(blind).toContainEqual({ kind: "create", what: "queue", name: `${first.prefix}.tasks.new` });
  expect(blind).toContainEqual({ kind: "unchecked", name: `${first.prefix}.dlq` });
});
