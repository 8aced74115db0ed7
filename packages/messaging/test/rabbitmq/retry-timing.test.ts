import { startRabbitMQ, type TestRabbitMQ } from "@fleetwire/testbed";
import { afterAll, beforeAll, expect, test } from "vitest";
import { Retry } from "../../src/index.ts";
import { createRabbitMQProvider } from "../../src/rabbitmq/index.ts";
import { until } from "../conformance/world.ts";
import { optionsFor } from "./harness.ts";

let broker: TestRabbitMQ;
let url: string;

beforeAll(async () => {
  broker = await startRabbitMQ();
  ({ url } = await broker.createVhost());
}, 300_000);
afterAll(() => broker.close());

// Delays of every rung up to 4 s, the same in each run.
const delays = [0, 1, 40, 120, 250, 251, 333, 499, 700, 1_000, 1_333, 1_999, 2_500, 3_100, 4_000];
const delayOf = (n: number, attempt: number): number => delays[(n * 7 + attempt * 4) % delays.length] ?? 0;

test("100 messages that fail three times each, while others flow: each waits its delay, and at most twice it or 250 ms, and 100 ms", async () => {
  const provider = createRabbitMQProvider(optionsFor(url));
  await provider.initialize();
  await provider.declare({ name: "tasks.retried", kind: "task", groups: ["workers"], concurrency: 50 });
  await provider.declare({ name: "tasks.flow", kind: "task", groups: ["workers"] });
  const failedAt = new Map<string, { at: number; delay: number }>();
  const waits: { delay: number; waited: number; begun: number }[] = [];
  let finished = 0;
  await provider.subscribe(
    "tasks.retried",
    ({ message, attempt }) => {
      const now = performance.now();
      const failed = failedAt.get(message.id);
      if (failed !== undefined) waits.push({ delay: failed.delay, waited: now - failed.at, begun: failed.at });
      if (attempt > 3) {
        finished += 1;
        return;
      }
      const delay = delayOf(Number(message.payload), attempt);
      failedAt.set(message.id, { at: now, delay });
      throw new Retry({ after: delay });
    },
    { group: "workers" },
  );

  // Others flow; how long one of them takes meanwhile says what this machine adds to any delivery.
  const trips: { began: number; ended: number }[] = [];
  const stop = new AbortController();
  const arrived = new Map<string, () => void>();
  await provider.subscribe("tasks.flow", ({ message }) => arrived.get(message.id)?.(), { group: "workers" });
  const flow = (async () => {
    for (let n = 0; !stop.signal.aborted; n++) {
      const began = performance.now();
      const here = new Promise<void>((resolve) => arrived.set(`f${n}`, resolve));
      await provider.publish("tasks.flow", { id: `f${n}`, type: "t", payload: n });
      await here;
      trips.push({ began, ended: performance.now() });
      await new Promise((resolve) => setTimeout(resolve, 5));
    }
  })();

  await provider.publishBatch(
    "tasks.retried",
    Array.from({ length: 100 }, (_, n) => ({ id: `r${n}`, type: "t", payload: n })),
    { maxRetries: 3 },
  );
  await until("all at their fourth attempt", () => finished === 100);
  stop.abort();
  await flow;
  await provider.close();

  expect(waits).toHaveLength(300);
  expect(trips.length).toBeGreaterThan(50);
  const tooEarly = waits.filter(({ delay, waited }) => waited < delay);
  expect(tooEarly).toEqual([]);
  // A retry is a publish, a hop and a delivery: what a plain trip took while it was under way isn't the rungs' doing.
  const slowest = (from: number, to: number) =>
    Math.max(
      0,
      ...trips.filter(({ began, ended }) => ended >= from && began <= to).map(({ began, ended }) => ended - began),
    );
  const tooLate = waits.filter(
    ({ delay, waited, begun }) => waited > Math.max(2 * delay, 250) + 100 + slowest(begun, begun + waited),
  );
  expect(tooLate).toEqual([]);
}, 60_000);
