import {
  createLedger,
  runSource,
  startRabbitMQ,
  tempDir,
  type TestProcess,
  type TestRabbitMQ,
} from "@fleetwire/testbed";
import { readFileSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { afterAll, afterEach, beforeAll, expect, test } from "vitest";
import { Reject, Retry, type QueueProvider } from "../../src/index.ts";
import { createRabbitMQProvider, type RabbitMQOptions } from "../../src/rabbitmq/index.ts";
import { deadLettersOf, until } from "../conformance/world.ts";
import { freshPrefix, optionsFor } from "./harness.ts";

let broker: TestRabbitMQ;
let vhost: { name: string; url: string };
const open: QueueProvider[] = [];
const processes: TestProcess[] = [];
const queue = { name: "tasks.f", kind: "task", groups: ["workers"] } as const;

beforeAll(async () => {
  broker = await startRabbitMQ();
  vhost = await broker.createVhost();
}, 300_000);
afterEach(async () => {
  await Promise.all(processes.splice(0).map((one) => one.stop({ deadlineMs: 100 })));
  await Promise.all(open.splice(0).map((provider) => provider.close({ deadline: "1s" })));
});
afterAll(() => broker.close());

async function provider(changes: Partial<RabbitMQOptions> = {}) {
  const options = optionsFor(vhost.url, { prefix: freshPrefix(), ...changes });
  const created = Object.assign(createRabbitMQProvider(options), {
    prefix: options.prefix ?? "",
    metrics: options.metrics,
  });
  open.push(created);
  await created.initialize();
  return created;
}

/** A consumer in a process of its own, that writes what it handled. */
async function startConsumer(prefix: string, file: string, ...more: string[]): Promise<TestProcess> {
  const child = runSource(new URL("programs/consumer.ts", import.meta.url), [vhost.url, prefix, file, ...more]);
  processes.push(child);
  await child.waitForLine(/consuming/, 30_000);
  return child;
}

function effectsFile(): string {
  const file = join(tempDir("effects"), "effects");
  writeFileSync(file, "");
  return file;
}

/** What was handled: id, attempt, redeliveries. */
function handled(file: string): { id: string; attempt: number; redeliveries: number }[] {
  const lines = readFileSync(file, "utf8").split("\n").slice(0, -1);
  return lines.map((line) => {
    const [id = "", attempt, redeliveries] = line.split(" ");
    return { id, attempt: Number(attempt), redeliveries: Number(redeliveries) };
  });
}

test("a consumer that is killed loses nothing and spends no attempts", async () => {
  const mine = await provider();
  await mine.declare(queue);
  const file = effectsFile();
  const ledger = createLedger();
  const first = await startConsumer(mine.prefix, file);
  for (let n = 0; n < 200; n++) {
    ledger.attempted(`m${n}`);
    await mine.publish(queue.name, { id: `m${n}`, type: "slow", payload: n });
    ledger.confirmed(`m${n}`);
  }
  await until("some of them", () => handled(file).length >= 20);
  await first.kill9();
  await startConsumer(mine.prefix, file);
  await until("each of them", () => new Set(handled(file).map(({ id }) => id)).size === 200);
  const all = handled(file);
  for (const { id } of all) ledger.received(id, "completed");
  ledger.assertNothingLostNothingTwice();
  expect(all.every(({ attempt }) => attempt === 1)).toBe(true);
  // What was handled and not yet acknowledged may be handled twice: at least once, and no more than was held.
  expect(all.length - 200).toBeLessThanOrEqual(10);
});

test.each(["none", "native"] as const)(
  "a message that kills its consumers ends among the dead letters, and takes no neighbour with it; priority %s",
  async (priority) => {
    const mine = await provider();
    await mine.declare({ ...queue, priority });
    const file = effectsFile();
    await mine.publishBatch(queue.name, [
      ...Array.from({ length: 8 }, (_, n) => ({ id: `before${n}`, type: "slow", payload: n })),
      { id: "poison", type: "kill", payload: 1 },
      ...Array.from({ length: 8 }, (_, n) => ({ id: `after${n}`, type: "slow", payload: n })),
    ]);
    const dead = await deadLettersOf(mine, queue.name);
    let deaths = 0;
    while (dead.items.length === 0) {
      const consumer = await startConsumer(mine.prefix, file, priority).catch(() => null);
      if (consumer === null) {
        deaths += 1;
        continue;
      }
      await Promise.race([
        consumer.exited.then(() => (deaths += 1)),
        until("the dead letter", () => dead.items.length > 0),
      ]);
    }
    await until("all neighbours", () => new Set(handled(file).map(({ id }) => id)).size === 16);
    expect(dead.items.map(({ reason, message }) => [message.id, reason])).toEqual([["poison", "crashed"]]);
    // 3 redeliveries are allowed; one process may have died before it said that it consumes.
    expect(deaths).toBeGreaterThanOrEqual(4);
    expect(handled(file).every(({ attempt }) => attempt === 1)).toBe(true);
  },
  120_000,
);

test("a redelivered message is handled alone: nothing else of its process runs meanwhile", async () => {
  const mine = await provider();
  await mine.declare(queue);
  const holder = await provider({ prefix: mine.prefix });
  await holder.declare(queue);
  let held = 0;
  await holder.subscribe(queue.name, () => void (held += 1), {
    group: "workers",
    mode: "manual",
    concurrency: 5,
    prefetch: 5,
  });
  await mine.publishBatch(
    queue.name,
    Array.from({ length: 5 }, (_, n) => ({ type: "again", payload: n })),
  );
  await until("five are held", () => held === 5);
  await holder.close({ deadline: 1 });
  await mine.publishBatch(
    queue.name,
    Array.from({ length: 20 }, (_, n) => ({ type: "fresh", payload: n })),
  );
  const running = new Set<string>();
  const overlaps: string[] = [];
  let ended = 0;
  await mine.subscribe(
    queue.name,
    async ({ message, redeliveries }) => {
      if (redeliveries > 0 && running.size > 0) overlaps.push(...running);
      if ([...running].some((one) => one.startsWith("again"))) overlaps.push(message.type);
      const name = `${redeliveries > 0 ? "again" : "fresh"} ${message.id}`;
      running.add(name);
      await new Promise((resolve) => setTimeout(resolve, 5));
      running.delete(name);
      ended += 1;
    },
    { group: "workers", concurrency: 5 },
  );
  await until("all", () => ended === 25);
  expect(overlaps).toEqual([]);
});

test("one in five is poison: all of it is dead with its reason, and every good one is handled once", async () => {
  const mine = await provider();
  await mine.declare({ ...queue, retry: { maxRetries: 1, initial: 1, max: 5 } });
  const dead = await deadLettersOf(mine, queue.name);
  const effects = new Map<string, number>();
  await mine.subscribe(
    queue.name,
    ({ message }) => {
      const n = Number(message.payload);
      if (n % 10 === 3) throw new Reject("poison");
      if (n % 10 === 7) throw new Error("fails each time");
      effects.set(message.id, (effects.get(message.id) ?? 0) + 1);
    },
    { group: "workers" },
  );
  await mine.publishBatch(
    queue.name,
    Array.from({ length: 1_000 }, (_, n) => ({ id: `m${n}`, type: "t", payload: n })),
  );
  await dead.atLeast(200, 30_000);
  await until("all good ones", () => effects.size === 800);
  expect([...effects.values()].every((count) => count === 1)).toBe(true);
  const of = (reason: string) => dead.items.filter((letter) => letter.reason === reason);
  expect(of("rejected")).toHaveLength(100);
  expect(of("attempts_exhausted")).toHaveLength(100);
  expect(of("attempts_exhausted").every(({ attempt, error }) => attempt === 2 && error === "fails each time")).toBe(
    true,
  );
});

async function again(): Promise<void> {
  throw new Retry({ after: 400 });
}

test("a queue that is full, or gone, doesn't hold up the retries of others", async () => {
  const mine = await provider();
  const bounded = { ...queue, name: "tasks.bounded", maxLength: 5 };
  const gone = { ...queue, name: "tasks.gone" };
  for (const one of [queue, bounded, gone]) await mine.declare(one);
  // Hundreds of retries, more than the broker moves at once, that come back to where there is no room.
  const failing = await Promise.all(
    [bounded, gone].map((one) => mine.subscribe(one.name, again, { group: "workers", concurrency: 200 })),
  );
  await mine.publishBatch(
    gone.name,
    Array.from({ length: 200 }, (_, n) => ({ type: "t", payload: n })),
    { maxRetries: 1_000 },
  );
  for (let n = 0; n < 200; n++) await mine.publish(bounded.name, { type: "t", payload: n }, { maxRetries: 1_000 });
  await until("all of them wait", async () => (await mine.getQueueStats(bounded.name)).groups[0]?.ready === 0);
  await Promise.all(failing.map((one) => one.close({ deadline: 100 })));
  const physical = (name: string) => `${encodeURIComponent(vhost.name)}/${mine.prefix}.${name}`;
  await broker.api("DELETE", `/api/queues/${physical("tasks.gone")}`);
  await mine
    .publishBatch(
      bounded.name,
      Array.from({ length: 5 }, (_, n) => ({ type: "fill", payload: n })),
    )
    .catch(() => {});

  const waits: number[] = [];
  let failedAt = 0;
  await mine.subscribe(
    queue.name,
    ({ attempt }) => {
      if (attempt > 1) waits.push(performance.now() - failedAt);
      if (attempt > 3) return;
      failedAt = performance.now();
      throw new Retry({ after: 450 });
    },
    { group: "workers" },
  );
  await mine.publish(queue.name, { type: "t", payload: 1 });
  await until("three retries", () => waits.length === 3);
  // What came back to the queue that is gone is kept, and what came to the full one isn't refused.
  const waiting = async () => (await mine.getQueueStats(bounded.name)).groups[0]?.ready ?? 0;
  await until("all that came back", async () => (await waiting()) >= 200 && (await mine.countDeadLetters()) >= 200);
  expect(waits.every((wait) => wait >= 450)).toBe(true);
});

test("a full rung: the delayed message is held, and isn't taken for one that crashes", async () => {
  const management = new URL(broker.managementUrl);
  management.username = broker.user;
  management.password = broker.password;
  const mine = await provider({ managementUrl: management.toString(), publishTimeoutMs: 200, maxRedeliveries: 2 });
  await mine.declare(queue);
  const dead = await deadLettersOf(mine, queue.name);
  const rung = `${mine.prefix}.retry.250ms`;
  const limit = (length: number) =>
    broker.api("PUT", `/api/policies/${encodeURIComponent(vhost.name)}/${rung}`, {
      pattern: `^${rung.replaceAll(".", String.raw`\.`)}$`,
      definition: { "max-length": length, "message-ttl": 600_000 },
      priority: 10,
      "apply-to": "queues",
    });
  await limit(1);
  const vhostPath = encodeURIComponent(vhost.name);
  const fill = () =>
    broker.api("POST", `/api/exchanges/${vhostPath}/${rung}/publish`, {
      properties: { delivery_mode: 2 },
      routing_key: `${mine.prefix}.tasks.f`,
      payload: "1",
      payload_encoding: "string",
    });
  await until("a full rung", () =>
    fill().then(
      () => false,
      () => true,
    ),
  );
  const seen: string[] = [];
  await mine.subscribe(
    queue.name,
    ({ attempt, redeliveries }) => {
      seen.push(`${attempt}/${redeliveries}`);
      if (attempt === 1) throw new Retry({ after: 1 });
    },
    { group: "workers" },
  );
  await mine.publish(queue.name, { type: "t", payload: 1 });
  await until("a refusal", async () => /rabbitmq_publishes_refused_total [1-9]/.test(await mine.metrics.metrics()));
  await until(
    "more of them",
    async () => Number(/rabbitmq_publishes_refused_total (\d+)/.exec(await mine.metrics.metrics())?.[1]) > 5,
  );
  await broker.api("DELETE", `/api/queues/${vhostPath}/${rung}/contents`);
  await limit(100);
  await until("its second attempt", () => seen.includes("2/0"));
  expect(seen).toEqual(["1/0", "2/0"]);
  expect(dead.items).toEqual([]);
});

test("a full dead letter queue drops nothing: the consumer waits, and goes on when there is room", async () => {
  const management = new URL(broker.managementUrl);
  management.username = broker.user;
  management.password = broker.password;
  const mine = await provider({ managementUrl: management.toString(), publishTimeoutMs: 500 });
  await mine.declare(queue);
  const dlq = `${mine.prefix}.dlq`;
  await broker.api("PUT", `/api/policies/${encodeURIComponent(vhost.name)}/${dlq}`, {
    pattern: `^${dlq.replaceAll(".", String.raw`\.`)}$`,
    definition: { "max-length": 3 },
    priority: 10,
    "apply-to": "queues",
  });
  let good = 0;
  const tried = new Set<string>();
  await mine.subscribe(
    queue.name,
    ({ message }) => {
      tried.add(message.id);
      if (message.type === "bad") throw new Reject("no");
      good += 1;
    },
    { group: "workers", concurrency: 1, prefetch: 1 },
  );
  await mine.publishBatch(
    queue.name,
    Array.from({ length: 30 }, (_, n) => ({ id: `bad${n}`, type: "bad", payload: n })),
  );
  await until("it is full", async () => (await mine.countDeadLetters()) >= 3);
  await mine.publish(queue.name, { type: "good", payload: 1 });
  // It waits with one that it can't put anywhere.
  const stuck = await until("it stands still", async () => {
    const before = tried.size;
    await new Promise((resolve) => setTimeout(resolve, 1_000));
    return tried.size === before && before < 30 ? before : false;
  });
  expect(good).toBe(0);
  const dead = await deadLettersOf(mine, queue.name);
  await until("the good one", () => good === 1);
  await dead.atLeast(30, 60_000);
  expect(new Set(dead.items.map(({ message }) => message.id)).size).toBe(30);
  expect(stuck).toBeGreaterThanOrEqual(3);
}, 90_000);
