import { describe, expect, test } from "vitest";
import { Reject, Retry } from "../../src/index.ts";
import { collector, deadLettersOf, gate, uniqueQueue, until, type Harness } from "./world.ts";

const code = (expected: string) => expect.objectContaining({ name: "MessagingError", code: expected });
const quick = { initial: "1ms", max: "20ms" } as const;

export function outcomes(harness: Harness): void {
  describe("outcomes", () => {
    test("returning is done: it doesn't come again", async () => {
      const provider = await harness.open();
      const queue = uniqueQueue();
      await provider.declare(queue);
      const got = collector();
      const subscription = await provider.subscribe(queue.name, got.take, { group: "workers" });
      await provider.publish(queue.name, { type: "t", payload: 1 });
      await got.atLeast(1);
      await subscription.close();
      expect((await provider.getQueueStats(queue.name)).groups[0]?.ready).toBe(0);
      expect(got.items).toHaveLength(1);
    });

    test("an error is retried by policy, and then it is a dead letter that says why", async () => {
      const provider = await harness.open();
      const queue = uniqueQueue({ retry: { maxRetries: 2, ...quick } });
      await provider.declare(queue);
      const dead = await deadLettersOf(provider, queue.name);
      const attempts: number[] = [];
      await provider.subscribe(
        queue.name,
        ({ attempt }) => {
          attempts.push(attempt);
          throw new Error(`failed at ${attempt}\nsecond line`);
        },
        { group: "workers" },
      );
      await provider.publish(queue.name, {
        type: "bad",
        payload: { n: 1 },
        companyId: "acme",
        metadata: { source: "test" },
      });
      const [letter] = await dead.atLeast(1);
      expect(attempts).toEqual([1, 2, 3]);
      expect(letter).toMatchObject({
        queue: queue.name,
        group: "workers",
        reason: "attempts_exhausted",
        error: "failed at 3 second line",
        attempt: 3,
        message: { type: "bad", payload: { n: 1 }, companyId: "acme" },
      });
      expect({ ...letter?.message.metadata }).toEqual({ source: "test" });
    });

    test("Reject is a dead letter at once, Retry comes when it said", async () => {
      const provider = await harness.open();
      const queue = uniqueQueue();
      await provider.declare(queue);
      const dead = await deadLettersOf(provider, queue.name);
      const times: number[] = [];
      await provider.subscribe(
        queue.name,
        ({ message, attempt }) => {
          if (message.type === "reject") throw new Reject("no such user");
          times.push(performance.now());
          if (attempt === 1) throw new Retry({ after: "300ms" });
        },
        { group: "workers" },
      );
      await provider.publish(queue.name, { type: "reject", payload: 1 });
      expect((await dead.atLeast(1))[0]).toMatchObject({ reason: "rejected", error: "no such user", attempt: 1 });
      await provider.publish(queue.name, { type: "retry", payload: 1 });
      await until("the second attempt", () => times.length === 2);
      expect((times[1] ?? 0) - (times[0] ?? 0)).toBeGreaterThanOrEqual(299);
    });

    test("a message's own maxRetries goes before the queue's", async () => {
      const provider = await harness.open();
      const queue = uniqueQueue({ retry: { maxRetries: 5, ...quick } });
      await provider.declare(queue);
      const dead = await deadLettersOf(provider, queue.name);
      let runs = 0;
      await provider.subscribe(
        queue.name,
        () => {
          runs += 1;
          throw new Error("always");
        },
        { group: "workers" },
      );
      await provider.publish(queue.name, { type: "t", payload: 1 }, { maxRetries: 0 });
      expect((await dead.atLeast(1))[0]).toMatchObject({ attempt: 1, reason: "attempts_exhausted" });
      expect(runs).toBe(1);
    });

    test("what waits for its retry holds no slot and blocks nothing behind it", async () => {
      const provider = await harness.open();
      const queue = uniqueQueue({ concurrency: 1 });
      await provider.declare(queue);
      const types: string[] = [];
      await provider.subscribe(
        queue.name,
        ({ message, attempt }) => {
          types.push(`${message.type} ${attempt}`);
          if (message.type === "slow" && attempt === 1) throw new Retry({ after: "600ms" });
        },
        { group: "workers" },
      );
      await provider.publish(queue.name, { type: "slow", payload: 1 });
      await provider.publish(queue.name, { type: "quick", payload: 1 });
      await until("all three", () => types.length === 3);
      expect(types).toEqual(["slow 1", "quick 1", "slow 2"]);
    });

    test("failed deliveries of a queue that discards them are gone", async () => {
      const provider = await harness.open();
      const queue = uniqueQueue({ deadLetters: "discard" });
      await provider.declare(queue);
      const dead = await deadLettersOf(provider, queue.name);
      const got = collector();
      await provider.subscribe(
        queue.name,
        (delivery) => {
          got.take(delivery);
          if (delivery.message.type === "bad") throw new Reject("no");
        },
        { group: "workers", concurrency: 1 },
      );
      await provider.publish(queue.name, { type: "bad", payload: 1 });
      await provider.publish(queue.name, { type: "good", payload: 1 });
      await got.atLeast(2);
      await provider.close();
      expect(dead.items).toEqual([]);
    });

    test("parse shapes the payload, and what it refuses is a dead letter", async () => {
      const provider = await harness.open();
      const queue = uniqueQueue();
      await provider.declare(queue);
      const dead = await deadLettersOf(provider, queue.name);
      const got = collector<number>();
      await provider.subscribe<{ n: number }>(queue.name, ({ message }) => got.take(message.payload.n + 1), {
        group: "workers",
        parse: (payload) => {
          if (typeof payload !== "object" || payload === null || !("n" in payload))
            throw new TypeError("n: expected a number");
          return { n: Number(payload.n) };
        },
      });
      await provider.publish(queue.name, { type: "t", payload: "nonsense" });
      await provider.publish(queue.name, { type: "t", payload: { n: "41" } });
      expect(await got.atLeast(1)).toEqual([42]);
      expect((await dead.atLeast(1))[0]).toMatchObject({
        reason: "invalid_payload",
        error: "n: expected a number",
        attempt: 1,
      });
    });

    test("a version that the consumer doesn't understand is a dead letter", async () => {
      const provider = await harness.open();
      const queue = uniqueQueue({ versions: [1, 2] });
      await provider.declare(queue);
      const dead = await deadLettersOf(provider, queue.name);
      const got = collector();
      await provider.subscribe(queue.name, got.take, { group: "workers" });
      for (const version of [1, 2, 3]) await provider.publish(queue.name, { type: "t", payload: version, version });
      expect((await got.atLeast(2)).map(({ message }) => message.version).toSorted((a, b) => a - b)).toEqual([1, 2]);
      expect((await dead.atLeast(1))[0]).toMatchObject({ reason: "unknown_version", message: { payload: 3 } });
    });

    test("a batch handler gets several at once, and says each one's outcome", async () => {
      const provider = await harness.open();
      const queue = uniqueQueue({ retry: { maxRetries: 1, ...quick } });
      await provider.declare(queue);
      const dead = await deadLettersOf(provider, queue.name);
      await provider.publishBatch(
        queue.name,
        Array.from({ length: 60 }, (_, at) => ({ type: "t", payload: at })),
      );
      const sizes: number[] = [];
      const handled: string[] = [];
      await provider.subscribeBatch(
        queue.name,
        (deliveries) => {
          sizes.push(deliveries.length);
          return deliveries.map(({ message, attempt }) => {
            handled.push(`${String(message.payload)}/${attempt}`);
            if (message.payload === 7) return new Reject("seven");
            return message.payload === 8 && attempt === 1 ? new Retry({ after: 1 }) : undefined;
          });
        },
        { group: "workers", size: 25, wait: "20ms" },
      );
      await until("all, one of them twice", () => handled.length === 61);
      expect(Math.max(...sizes)).toBe(25);
      expect(handled).toContain("8/2");
      expect((await dead.atLeast(1))[0]).toMatchObject({ reason: "rejected", error: "seven", message: { payload: 7 } });
    });

    test("a batch handler that throws fails its batch alone", async () => {
      const provider = await harness.open();
      const queue = uniqueQueue({ retry: { maxRetries: 1, ...quick } });
      await provider.declare(queue);
      let calls = 0;
      const done = new Set<unknown>();
      await provider.subscribeBatch(
        queue.name,
        (deliveries) => {
          calls += 1;
          if (calls === 1) throw new Error("the whole batch");
          for (const { message } of deliveries) done.add(message.payload);
        },
        { group: "workers", size: 4, wait: "20ms" },
      );
      await provider.publishBatch(
        queue.name,
        Array.from({ length: 12 }, (_, at) => ({ type: "t", payload: at })),
      );
      await until("all twelve", () => done.size === 12);
      // The first batch, of four, has run twice.
      expect(calls).toBeGreaterThanOrEqual(4);
    });

    test("a handler that returns a thenable is waited for", async () => {
      const provider = await harness.open();
      const queue = uniqueQueue({ retry: { maxRetries: 0 } });
      await provider.declare(queue);
      const dead = await deadLettersOf(provider, queue.name);
      // As a query builder is: it does nothing until it is awaited.
      const lazy = {
        // oxlint-disable-next-line unicorn/no-thenable -- that is what is tested
        then: (_: unknown, fail: (error: Error) => void) => fail(new Error("the query failed")),
      };
      await provider.subscribe(queue.name, () => lazy as never, { group: "workers" });
      await provider.publish(queue.name, { type: "t", payload: 1 });
      expect((await dead.atLeast(1))[0]?.error).toBe("the query failed");
    });

    test("a batch handler's outcome that is any error is a failure, and so is a list that is too short", async () => {
      const provider = await harness.open();
      const queue = uniqueQueue({ retry: { maxRetries: 0 } });
      await provider.declare(queue);
      const dead = await deadLettersOf(provider, queue.name);
      await provider.subscribeBatch(
        queue.name,
        (deliveries) => (deliveries[0]?.message.type === "short" ? [] : deliveries.map(() => new Error("this one"))),
        { group: "workers", size: 1 },
      );
      await provider.publish(queue.name, { type: "error", payload: 1 });
      await provider.publish(queue.name, { type: "short", payload: 1 });
      const errors = (await dead.atLeast(2)).map(({ error }) => error);
      expect(errors.toSorted()).toEqual(["the batch handler gave 0 outcomes for 1 deliveries", "this one"]);
    });

    test("by hand: a delivery is settled when its consumer says so", async () => {
      const provider = await harness.open();
      const queue = uniqueQueue({ retry: { maxRetries: 1, ...quick } });
      await provider.declare(queue);
      const dead = await deadLettersOf(provider, queue.name);
      const got = collector();
      const subscription = await provider.subscribe(queue.name, got.take, { group: "workers", mode: "manual" });
      await provider.publishBatch(
        queue.name,
        ["a", "b", "c"].map((type) => ({ type, payload: 1 })),
      );
      const [a, b, c] = await got.atLeast(3);
      if (a === undefined || b === undefined || c === undefined) throw new Error("three came");
      expect(subscription.active).toBe(3);
      await provider.acknowledge(a);
      await expect(provider.acknowledge(a)).rejects.toEqual(code("lease_lost"));
      await provider.acknowledge(b.message.id);
      await provider.reject(c, new Error("not today"));
      const again = (await got.atLeast(4))[3];
      expect(again).toMatchObject({ attempt: 2, message: { type: "c" } });
      await provider.reject(c.message.id, new Reject("never"));
      expect((await dead.atLeast(1))[0]).toMatchObject({ reason: "rejected", error: "never", attempt: 2 });
      expect(subscription.active).toBe(0);
    });

    test("by hand: a message id that two deliveries have is ambiguous", async () => {
      const provider = await harness.open();
      const queue = uniqueQueue({ kind: "event", name: "by-hand-events", groups: ["one", "two"] });
      await provider.declare(queue);
      const got = collector();
      for (const group of ["one", "two"]) await provider.subscribe(queue.name, got.take, { group, mode: "manual" });
      await provider.publish(queue.name, { id: "twice", type: "t", payload: 1 });
      const [one, two] = await got.atLeast(2);
      await expect(provider.acknowledge("twice")).rejects.toEqual(code("ambiguous_delivery"));
      await expect(provider.acknowledge("nobody's")).rejects.toEqual(code("lease_lost"));
      if (one !== undefined) await provider.acknowledge(one);
      await provider.acknowledge("twice");
      expect(two?.message.id).toBe("twice");
    });

    test("a crashed consumer's deliveries come again, with their attempts unspent and its late outcome ignored", async () => {
      const first = await harness.open();
      const queue = uniqueQueue();
      await first.declare(queue);
      const held = collector();
      const hold = gate();
      await first.subscribe(
        queue.name,
        async (delivery) => {
          held.take(delivery);
          await hold.opened;
        },
        { group: "workers" },
      );
      await first.publish(queue.name, { type: "t", payload: 1 });
      const [mine] = await held.atLeast(1);
      await harness.crash(first);
      const second = await harness.open();
      await second.declare(queue);
      const got = collector();
      await second.subscribe(queue.name, got.take, { group: "workers" });
      const [again] = await got.atLeast(1, 40_000);
      expect(again).toMatchObject({ attempt: 1, redeliveries: 1, message: { id: mine?.message.id } });
      await until("its signal", () => mine?.signal.aborted);
      await expect(mine?.extend()).rejects.toEqual(code("lease_lost"));
      hold.open();
      await second.close();
      expect(got.items).toHaveLength(1);
    }, 90_000);
  });
}
