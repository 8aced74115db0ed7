import { createLedger, startRabbitMQCluster, type TestRabbitMQCluster } from "@fleetwire/testbed";
import { afterAll, afterEach, beforeAll, expect, test } from "vitest";
import type { QueueProvider } from "../../src/index.ts";
import { createRabbitMQProvider, type RabbitMQOptions } from "../../src/rabbitmq/index.ts";
import { until } from "../conformance/world.ts";
import { freshPrefix, optionsFor } from "./harness.ts";

let cluster: TestRabbitMQCluster;
let vhost: { name: string; url: string };

// `npm run test:long` kills ten times, `npm test` twice.
const kills = process.env["FLEETWIRE_TEST_LONG"] === undefined ? 2 : 10;

beforeAll(async () => {
  cluster = await startRabbitMQCluster();
  vhost = await cluster.createVhost();
}, 300_000);
afterAll(() => cluster.close());

const open: QueueProvider[] = [];
afterEach(() => Promise.all(open.splice(0).map((provider) => provider.close({ deadline: "1s" }))));

/** Knows all three nodes. */
async function provider(changes: Partial<RabbitMQOptions> = {}) {
  const url = new URL(vhost.url);
  const hosts = cluster.nodes.map(({ port }) => `127.0.0.1:${port}`).join(",");
  const whole = `amqp://${url.username}:${url.password}@${hosts}${url.pathname}`;
  const options = optionsFor(whole, { prefix: freshPrefix(), heartbeatMs: 2_000, maxRedeliveries: 49, ...changes });
  const created = Object.assign(createRabbitMQProvider(options), { prefix: options.prefix ?? "" });
  open.push(created);
  await created.initialize();
  return created;
}

/** Publishes and consumes until `fault` is over; then checks that every confirmed message had its effect. */
async function underLoad(
  fault: (prefix: string) => Promise<void>,
): Promise<{ confirmed: number; failed: number; duplicates: number }> {
  const publisher = await provider();
  const queue = {
    name: "tasks.load",
    kind: "task",
    groups: ["workers"],
    retry: { maxRetries: 100, initial: 1, max: 50 },
  } as const;
  await publisher.declare(queue);
  const consumer = await provider({ prefix: publisher.prefix });
  await consumer.declare(queue);
  const ledger = createLedger();
  const effects = new Map<string, number>();
  await consumer.subscribe(
    queue.name,
    ({ message }) => {
      effects.set(message.id, (effects.get(message.id) ?? 0) + 1);
      ledger.received(message.id, "completed");
    },
    { group: "workers", concurrency: 20 },
  );
  let n = 0;
  let confirmed = 0;
  let failed = 0;
  const stop = new AbortController();
  const load = Array.from({ length: 20 }, async () => {
    while (!stop.signal.aborted) {
      const id = `m${n++}`;
      ledger.attempted(id);
      const isStored = await publisher.publish(queue.name, { id, type: "t", payload: 1 }, { deadline: "30s" }).then(
        () => true,
        () => false,
      );
      if (isStored) {
        ledger.confirmed(id);
        confirmed += 1;
      } else failed += 1;
      await new Promise((resolve) => setTimeout(resolve, 2));
    }
  });
  await until("the load flows", () => effects.size > 100);
  await fault(publisher.prefix);
  const before = effects.size;
  await until("the load flows again", () => effects.size > before + 100);
  stop.abort();
  await Promise.all(load);
  const check = () => ledger.check().lost;
  await until("each confirmed message's effect", () => check().length === 0);
  ledger.assertNothingLostNothingTwice();
  return { confirmed, failed, duplicates: [...effects.values()].filter((count) => count > 1).length };
}

test(
  `the leader killed ${kills} times under load: nothing that was confirmed is lost`,
  async () => {
    const { confirmed, failed } = await underLoad(async (prefix) => {
      for (let kill = 0; kill < kills; kill++) {
        const leader = await cluster.leaderOf(vhost.name, `${prefix}.tasks.load`);
        await leader.kill9();
        await until(
          "another leader",
          async () => (await cluster.leaderOf(vhost.name, `${prefix}.tasks.load`)) !== leader,
        );
        await leader.start();
        await cluster.reunite();
      }
    });
    expect(confirmed).toBeGreaterThan(100);
    expect(failed).toBe(0);
  },
  kills * 60_000 + 60_000,
);

test("a node cut off from the other two pauses; whoever was on it goes on at another", async () => {
  const { failed } = await underLoad(async (prefix) => {
    const leader = await cluster.leaderOf(vhost.name, `${prefix}.tasks.load`);
    await cluster.isolate(leader);
    await until("another leader", async () => (await cluster.leaderOf(vhost.name, `${prefix}.tasks.load`)) !== leader);
    await cluster.reunite();
  });
  expect(failed).toBe(0);
}, 180_000);
