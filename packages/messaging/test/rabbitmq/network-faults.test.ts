import { createLedger, startFaultProxy, startRabbitMQ, type FaultProxy, type TestRabbitMQ } from "@fleetwire/testbed";
import { afterAll, afterEach, beforeAll, beforeEach, expect, test } from "vitest";
import type { QueueProvider } from "../../src/index.ts";
import { createRabbitMQProvider, type RabbitMQOptions } from "../../src/rabbitmq/index.ts";
import { until } from "../conformance/world.ts";
import { freshPrefix, optionsFor, viaProxy } from "./harness.ts";

let broker: TestRabbitMQ;
let url: string;
let proxy: FaultProxy;
const open: QueueProvider[] = [];
const queue = { name: "tasks.n", kind: "task", groups: ["workers"] } as const;

beforeAll(async () => {
  broker = await startRabbitMQ();
  ({ url } = await broker.createVhost());
}, 300_000);
beforeEach(async () => void (proxy = await startFaultProxy({ target: broker })));
afterEach(async () => {
  await proxy.heal();
  await Promise.all(open.splice(0).map((provider) => provider.close({ deadline: "1s" })));
  await proxy.close();
});
afterAll(() => broker.close());

/** With the heartbeat of 10 s as it is, a dead connection is found after two of them; 1 s here. */
async function provider(changes: Partial<RabbitMQOptions> = {}) {
  const created = createRabbitMQProvider(
    optionsFor(viaProxy(url, proxy), { prefix: freshPrefix(), heartbeatMs: 1_000, ...changes }),
  );
  open.push(created);
  await created.initialize();
  await created.declare(queue);
  return created;
}

/** Publishes and consumes 300 messages while `fault` happens after the first hundred; all of them have to arrive. */
async function survives(mine: QueueProvider, fault: () => Promise<void>): Promise<{ duplicates: number }> {
  const ledger = createLedger();
  const effects = new Map<string, number>();
  await mine.subscribe(
    queue.name,
    ({ message }) => {
      effects.set(message.id, (effects.get(message.id) ?? 0) + 1);
      ledger.received(message.id, "completed");
    },
    { group: "workers" },
  );
  let faulted: Promise<void> | undefined;
  const publishing = Array.from({ length: 300 }, async (_, n) => {
    ledger.attempted(`m${n}`);
    await mine.publish(queue.name, { id: `m${n}`, type: "t", payload: n }, { deadline: "50s" });
    ledger.confirmed(`m${n}`);
    if (n >= 100) await (faulted ??= fault());
  });
  await Promise.all(publishing);
  await until("all of them", () => effects.size === 300);
  ledger.assertNothingLostNothingTwice();
  return { duplicates: [...effects.values()].filter((count) => count > 1).length };
}

test("a cut connection loses nothing", async () => {
  const mine = await provider();
  await survives(mine, async () => {
    proxy.cut();
    await until("the loss is known", async () => !(await mine.healthCheck()));
    await proxy.heal();
  });
  expect(await until("health", () => mine.healthCheck())).toBe(true);
});

test("a half-open connection is found by its heartbeat, and what was under way is sent again", async () => {
  const mine = await provider();
  await survives(mine, async () => {
    proxy.halfOpen();
    await until("the loss is known", async () => !(await mine.healthCheck()));
    await proxy.heal();
  });
  expect(await until("health", () => mine.healthCheck())).toBe(true);
});

test("while the connection is half-open a publish ends at its deadline, and says that it may be stored", async () => {
  const mine = await provider({ heartbeatMs: 20_000 });
  proxy.halfOpen();
  const error: unknown = await mine
    .publish(queue.name, { type: "t", payload: 1 }, { deadline: "500ms" })
    .catch((reason: unknown) => reason);
  expect(error).toMatchObject({ code: "publish_unconfirmed", retryable: true });
});

test("a slow network is slow, and no more", async () => {
  const mine = await provider();
  proxy.delay(100);
  proxy.bandwidth(400_000);
  const { duplicates } = await survives(mine, async () => {});
  expect(duplicates).toBe(0);
});

test("connections that flap stay bounded, and end in a sound one", async () => {
  const mine = await provider();
  await survives(mine, async () => {
    for (let n = 0; n < 5; n++) {
      proxy.cut();
      await until("the loss is known", async () => !(await mine.healthCheck()));
      await proxy.heal();
      await until("health", () => mine.healthCheck());
    }
  });
  expect(await until("two connections, and no more", () => proxy.connections() === 2)).toBe(true);
});

test("a frozen broker is found as a half-open one is, and goes on when it thaws", async () => {
  const mine = await provider();
  await survives(mine, async () => {
    await broker.pause();
    await until("the loss is known", async () => !(await mine.healthCheck()));
    await broker.resume();
  });
  expect(await until("health", () => mine.healthCheck())).toBe(true);
});

test("close doesn't wait for a broker that doesn't answer", async () => {
  const mine = await provider({ heartbeatMs: 20_000 });
  await mine.subscribe(queue.name, () => {}, { group: "workers" });
  proxy.halfOpen();
  const began = performance.now();
  await mine.close({ deadline: "1s" });
  // The deadline, and a bounded goodbye to each channel and connection.
  expect(performance.now() - began).toBeLessThan(15_000);
});
