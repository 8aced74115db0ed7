import { eventually, startRabbitMQ, type TestRabbitMQ } from "@fleetwire/testbed";
import { afterAll, afterEach, beforeAll, expect, test } from "vitest";
import { MessagingError, type QueueProvider } from "../../src/index.ts";
import { createRabbitMQProvider } from "../../src/rabbitmq/index.ts";
import { withFaults, type Faults } from "../../src/testing/index.ts";
import { freshPrefix, optionsFor } from "./harness.ts";

let broker: TestRabbitMQ;
let url: string;
const open: QueueProvider[] = [];

beforeAll(async () => {
  broker = await startRabbitMQ();
  ({ url } = await broker.createVhost());
}, 300_000);
afterEach(() => Promise.all(open.splice(0).map((provider) => provider.close({ deadline: "1s" }))));
afterAll(() => broker.close());

async function faulty(faults: Faults) {
  const provider = withFaults(createRabbitMQProvider(optionsFor(url, { prefix: freshPrefix() })), faults);
  open.push(provider);
  await provider.initialize();
  await provider.declare({
    name: "tasks.t",
    kind: "task",
    groups: ["workers"],
    retry: { maxRetries: 50, initial: 1, max: 1 },
  });
  return provider;
}

/** Publishes ten messages one after the other; gives the error codes, "" where there was none. */
async function publishTen(provider: QueueProvider): Promise<string[]> {
  const codes: string[] = [];
  for (let n = 0; n < 10; n++) {
    const error = await provider
      .publish("tasks.t", { id: `m${n}`, type: "t", payload: n })
      .catch((reason: unknown) => reason);
    codes.push(error instanceof MessagingError ? error.code : "");
  }
  return codes;
}

const chances = { publish: { lost: 0.3, unconfirmed: 0.3, duplicated: 0.3 } };

test("a seed makes the same faults again, another seed others", async () => {
  const first = await faulty({ seed: 7, ...chances });
  const codes = await publishTen(first);
  const again = await faulty({ seed: 7, ...chances });
  expect(await publishTen(again)).toEqual(codes);
  expect(again.made).toEqual(first.made);
  const other = await faulty({ seed: 8, ...chances });
  expect([await publishTen(other), other.made]).not.toEqual([codes, first.made]);
  expect(new Set(codes)).toEqual(new Set(["", "publish_timeout", "publish_unconfirmed"]));
});

test("what was lost isn't stored, what was unconfirmed is, and a duplicate comes twice", async () => {
  const provider = await faulty({ seed: 7, ...chances });
  const codes = await publishTen(provider);
  const duplicates = provider.made.filter(({ kind }) => kind === "duplicated").length;
  expect(duplicates).toBeGreaterThan(0);
  const seen: string[] = [];
  await provider.subscribe("tasks.t", ({ message }) => void seen.push(message.id), { group: "workers" });
  const stored = codes.flatMap((code, n) => (code === "publish_timeout" ? [] : [`m${n}`]));
  await eventually(() => seen.length === stored.length + duplicates, {
    deadlineMs: 10_000,
    what: "all that was stored",
  });
  expect([...new Set(seen)].toSorted()).toEqual(stored);
});

test("a handler's outcome can be lost before and after its effects; in the end each has happened", async () => {
  const provider = await faulty({ seed: 3, handle: { before: 0.3, after: 0.3 }, latency: { minMs: 0, maxMs: 5 } });
  const effects = new Map<string, number>();
  await provider.subscribe(
    "tasks.t",
    ({ message }) => void effects.set(message.id, (effects.get(message.id) ?? 0) + 1),
    { group: "workers" },
  );
  for (let n = 0; n < 30; n++) await provider.publish("tasks.t", { id: `m${n}`, type: "t", payload: n });
  await eventually(() => effects.size === 30, { deadlineMs: 20_000, what: "an effect of each" });
  const after = () => provider.made.filter(({ kind }) => kind === "after").length;
  await eventually(() => [...effects.values()].reduce((sum, count) => sum + count, 0) === 30 + after(), {
    deadlineMs: 20_000,
    what: "one effect more for each outcome lost after it",
  });
  expect(after()).toBeGreaterThan(3);
});

test("other operations fail by chance, and none when faults are off", async () => {
  const provider = await faulty({ seed: 1 });
  provider.setFaults({ operations: 1 });
  await expect(provider.getQueueStats("tasks.t")).rejects.toMatchObject({ code: "unreachable" });
  expect(await provider.healthCheck()).toBe(false);
  provider.setFaults({});
  expect((await provider.getQueueStats("tasks.t")).groups).toHaveLength(1);
  expect(await provider.healthCheck()).toBe(true);
});
