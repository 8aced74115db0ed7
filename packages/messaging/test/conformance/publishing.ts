import { describe, expect, test } from "vitest";
import { newMessageId, type MessagingError, type QueueProvider } from "../../src/index.ts";
import { collector, deadLettersOf, uniqueQueue, until, type Harness } from "./world.ts";

const code = (expected: string) => expect.objectContaining({ name: "MessagingError", code: expected });

export function publishing(harness: Harness): void {
  describe("publishing", () => {
    test("a message arrives as it was published", async () => {
      const provider = await harness.open();
      const queue = uniqueQueue();
      await provider.declare(queue);
      const got = collector();
      await provider.subscribe(queue.name, got.take, { group: "workers" });
      const id = newMessageId();
      const payload = { text: "grüße \u{1F680}", list: [1, null, true], nested: { "a.b": 1e-7 } };
      await provider.publish(queue.name, {
        id,
        type: "user.registered",
        payload,
        priority: "high",
        companyId: "acme",
        key: "user-7",
        correlationId: "request-1",
        version: 1,
        metadata: { source: "auth-service", retries: 3, test: true, __proto__x: "kept" },
      });
      const [delivery] = await got.atLeast(1);
      expect(delivery).toMatchObject({ queue: queue.name, group: "workers", attempt: 1, redeliveries: 0 });
      expect(delivery?.message).toMatchObject({
        id,
        type: "user.registered",
        payload,
        priority: 8,
        companyId: "acme",
        key: "user-7",
        correlationId: "request-1",
        version: 1,
      });
      expect({ ...delivery?.message.metadata }).toEqual({
        source: "auth-service",
        retries: 3,
        test: true,
        __proto__x: "kept",
      });
      expect(Math.abs(Date.now() - (delivery?.message.publishedAt?.getTime() ?? 0))).toBeLessThan(60_000);
    });

    test("what isn't said has its default", async () => {
      const provider = await harness.open();
      const queue = uniqueQueue();
      await provider.declare(queue);
      const got = collector();
      await provider.subscribe(queue.name, got.take, { group: "workers" });
      await provider.publish(queue.name, { type: "plain", payload: null });
      const [delivery] = await got.atLeast(1);
      expect(delivery?.message).toMatchObject({
        priority: 6,
        companyId: "default",
        key: undefined,
        correlationId: undefined,
        version: 1,
        metadata: {},
        payload: null,
      });
      expect(delivery?.message.id).toMatch(/^[0-9a-f]{8}-[0-9a-f]{4}-7/);
    });

    test("bytes travel as bytes", async () => {
      const provider = await harness.open();
      const queue = uniqueQueue();
      await provider.declare(queue);
      const got = collector();
      await provider.subscribe(queue.name, got.take, { group: "workers" });
      const bytes = Uint8Array.from({ length: 256 }, (_, at) => at);
      await provider.publish(queue.name, { type: "bytes", payload: bytes });
      await provider.publish(queue.name, { type: "bytes", payload: new Uint8Array() });
      const [first, second] = await got.atLeast(2);
      expect(Buffer.from(first?.message.payload as Uint8Array).equals(bytes)).toBe(true);
      expect(second?.message.payload).toHaveLength(0);
    });

    test("what was published survives the server's restart", async () => {
      const provider = await harness.open();
      const queue = uniqueQueue();
      await provider.declare(queue);
      await provider.publish(queue.name, { type: "kept", payload: 1 });
      await harness.closeAll();
      await harness.restart();
      const after = await harness.open();
      await after.declare(queue);
      const got = collector();
      await after.subscribe(queue.name, got.take, { group: "workers" });
      expect((await got.atLeast(1))[0]?.message.type).toBe("kept");
    }, 120_000);

    test("an idempotency key makes the same id again, on one queue and for one company", async () => {
      const provider = await harness.open();
      const [queue, other] = [uniqueQueue(), uniqueQueue()];
      const got = collector<string>();
      for (const one of [queue, other]) {
        await provider.declare(one);
        await provider.subscribe(one.name, ({ message }) => got.take(message.id), { group: "workers", concurrency: 1 });
      }
      const message = { type: "t", payload: 1, idempotencyKey: "order 7" };
      await provider.publish(queue.name, message);
      await provider.publish(queue.name, message);
      await got.atLeast(2);
      await provider.publish(queue.name, { ...message, companyId: "acme" });
      await provider.publish(other.name, message);
      const [first, second, ...others] = await got.atLeast(4);
      expect(first).toMatch(/^[0-9a-f]{8}-[0-9a-f]{4}-8[0-9a-f]{3}-[89ab][0-9a-f]{3}-[0-9a-f]{12}$/);
      expect(second).toBe(first);
      expect(new Set([first, ...others]).size).toBe(3);
      await expect(provider.publish(queue.name, { ...message, id: "mine" })).rejects.toEqual(code("invalid_message"));
    });

    test("a batch arrives whole and in its order", async () => {
      const provider = await harness.open();
      const queue = uniqueQueue();
      await provider.declare(queue);
      await provider.publishBatch(
        queue.name,
        Array.from({ length: 250 }, (_, at) => ({ type: "batch", payload: at })),
      );
      const got = collector();
      await provider.subscribe(queue.name, got.take, { group: "workers", concurrency: 1 });
      expect((await got.atLeast(250)).map(({ message }) => message.payload)).toEqual(
        Array.from({ length: 250 }, (_, at) => at),
      );
      await provider.publishBatch(queue.name, []);
    });

    test("a delayed message isn't there before its time, and doesn't hold up others", async () => {
      const provider = await harness.open();
      const queue = uniqueQueue();
      await provider.declare(queue);
      const got = collector<{ type: string; at: number }>();
      await provider.subscribe(queue.name, ({ message }) => got.take({ type: message.type, at: performance.now() }), {
        group: "workers",
      });
      const began = performance.now();
      await provider.publish(queue.name, { type: "later", payload: 1 }, { delay: "700ms" });
      await provider.publish(queue.name, { type: "now", payload: 1 });
      const [first, second] = await got.atLeast(2);
      expect([first?.type, second?.type]).toEqual(["now", "later"]);
      expect((second?.at ?? 0) - began).toBeGreaterThanOrEqual(699);
    });

    test("what waits longer than its time to live is a dead letter", async () => {
      const provider = await harness.open();
      const queue = uniqueQueue();
      await provider.declare(queue);
      const dead = await deadLettersOf(provider, queue.name);
      await provider.publish(queue.name, { type: "short-lived", payload: 7 }, { ttl: "50ms" });
      const [letter] = await dead.atLeast(1);
      expect(letter).toMatchObject({
        queue: queue.name,
        group: "workers",
        reason: "expired",
        message: { type: "short-lived", payload: 7 },
      });
    });

    test("a queue's own time to live holds for messages without one", async () => {
      const provider = await harness.open();
      const queue = uniqueQueue({ ttl: "100ms" });
      await provider.declare(queue);
      const dead = await deadLettersOf(provider, queue.name);
      await provider.publish(queue.name, { type: "short-lived", payload: 7 });
      expect((await dead.atLeast(1))[0]).toMatchObject({ reason: "expired", group: "workers" });
    });

    test("a full queue refuses, and what it has confirmed is there", async () => {
      const provider = await harness.open();
      const queue = uniqueQueue({ maxLength: 5 });
      await provider.declare(queue);
      // How far beyond its limit a queue takes messages is the server's own: it says no after it has noticed.
      let confirmed = 0;
      const refused = await until("a refusal", async () => {
        const error = await provider
          .publish(queue.name, { type: "t", payload: confirmed }, { deadline: "300ms" })
          .catch((reason: unknown) => reason);
        if (error === undefined) confirmed += 1;
        return error;
      });
      expect(refused).toEqual(code("publish_refused"));
      expect(confirmed).toBeGreaterThanOrEqual(5);
      expect(confirmed).toBeLessThan(50);
      expect((await provider.getQueueStats(queue.name)).groups[0]?.ready).toBe(confirmed);
    });

    test("a payload over the limit is refused with both sizes", async () => {
      const provider = await harness.open();
      const queue = uniqueQueue();
      await provider.declare(queue);
      const big = new Uint8Array(65_537);
      await expect(provider.publish(queue.name, { type: "big", payload: big })).rejects.toThrow(
        /65537 bytes; at most 65536/,
      );
      await expect(provider.publish(queue.name, { type: "big", payload: big })).rejects.toEqual(
        code("message_too_large"),
      );
      await provider.publish(queue.name, { type: "fits", payload: big.subarray(1) });
    });

    test.each([
      ["no type", { type: "", payload: 1 }, /type/],
      ["a type with spaces", { type: "a b", payload: 1 }, /type/],
      ["an id that is too long", { id: "x".repeat(37), type: "t", payload: 1 }, /id/],
      ["an id with a line break", { id: "a\nb", type: "t", payload: 1 }, /id/],
      ["an empty id", { id: "", type: "t", payload: 1 }, /id/],
      ["no payload", { type: "t", payload: undefined }, /payload/],
      ["a payload without JSON", { type: "t", payload: 10n }, /payload/],
      ["a priority out of range", { type: "t", payload: 1, priority: 11 }, /priority/],
      ["a priority that isn't whole", { type: "t", payload: 1, priority: 1.5 }, /priority/],
      ["a priority of an object's own name", { type: "t", payload: 1, priority: "constructor" as never }, /priority/],
      ["a company with a NUL", { type: "t", payload: 1, companyId: "a\0b" }, /companyId/],
      ["a version of 0", { type: "t", payload: 1, version: 0 }, /version/],
      ["metadata that nests", { type: "t", payload: 1, metadata: { a: {} as never } }, /metadata/],
      ["metadata with NaN", { type: "t", payload: 1, metadata: { a: Number.NaN } }, /metadata/],
      [
        "too much metadata",
        { type: "t", payload: 1, metadata: Object.fromEntries(Array.from({ length: 33 }, (_, at) => [`k${at}`, 1])) },
        /metadata/,
      ],
    ])("%s is refused before anything is sent", async (_, message, field) => {
      const provider = await openOnce(harness);
      const error = await provider.publish("tasks.invalid", message).catch((reason: unknown) => reason);
      expect(error).toEqual(code("invalid_message"));
      expect((error as MessagingError).message).toMatch(field);
    });

    test("a cycle in the payload and wrong options are refused", async () => {
      const provider = await openOnce(harness);
      const cycle: { self?: unknown } = {};
      cycle.self = cycle;
      await expect(provider.publish("tasks.invalid", { type: "t", payload: cycle })).rejects.toEqual(
        code("invalid_message"),
      );
      const message = { type: "t", payload: 1 };
      await expect(provider.publish("tasks.invalid", message, { delay: -1 })).rejects.toEqual(code("invalid_message"));
      await expect(provider.publish("tasks.invalid", message, { ttl: "soon" as never })).rejects.toEqual(
        code("invalid_message"),
      );
      await expect(provider.publish("tasks.invalid", message, { delay: "31d" })).rejects.toEqual(
        code("invalid_message"),
      );
      await expect(provider.publish("tasks.invalid", message, { maxRetries: -1 })).rejects.toEqual(
        code("invalid_message"),
      );
      await expect(provider.publish("tasks.invalid", message, { group: "strangers" })).rejects.toEqual(
        code("unknown_group"),
      );
    });

    test("a queue that wasn't declared is an error that names those that were", async () => {
      const provider = await openOnce(harness);
      await expect(provider.publish("tasks.nowhere", { type: "t", payload: 1 })).rejects.toEqual(code("unknown_queue"));
      await expect(provider.publish("tasks.nowhere", { type: "t", payload: 1 })).rejects.toThrow(/tasks\.invalid/);
    });

    test("after close, publishing says so", async () => {
      const provider = await harness.open();
      const queue = uniqueQueue();
      await provider.declare(queue);
      await provider.close();
      await expect(provider.publish(queue.name, { type: "t", payload: 1 })).rejects.toEqual(code("closed"));
      expect(await provider.healthCheck()).toBe(false);
      await provider.close();
    });
  });
}

async function openOnce(harness: Harness): Promise<QueueProvider> {
  const provider = await harness.open();
  await provider.declare({ name: "tasks.invalid", kind: "task", groups: ["workers"] });
  return provider;
}
