import { describe, expect, test } from "vitest";
import { MessagingError, Retry, type Capabilities, type Delivery } from "../../src/index.ts";
import { collector, gate, uniqueQueue, until, type Harness } from "./world.ts";

const refusing = (isRefused: boolean): string => (isRefused ? "unsupported" : "taken");

/** What a provider says it does, it does; what it refuses, it refuses by name. */
export function capabilitySections(harness: Harness, capabilities: Capabilities): void {
  const sections: [boolean, (harness: Harness) => void][] = [
    [capabilities.priorityBands === "native", priorityBands],
    [capabilities.nativePriority === "native", nativePriority],
    [capabilities.ordered === "native", orderedQueues],
    [capabilities.liveBroadcast === "native", liveBroadcasts],
    [capabilities.rateLimitPerProcess !== "refused", processRateLimit],
  ];
  for (const [isOffered, section] of sections) if (isOffered) section(harness);

  test.each([
    [
      "a rate limit across processes",
      uniqueQueue({ rateLimit: { max: 5, per: "1s" } }),
      refusing(capabilities.rateLimitAcrossProcesses === "refused"),
    ],
    ["a lease of a day", uniqueQueue({ lease: "24h" }), refusing(capabilities.longestLeaseMs !== null)],
    ["bands of a task queue", uniqueQueue({ priority: "bands" }), refusing(capabilities.priorityBands === "refused")],
    ["an ordered queue", uniqueQueue({ ordered: { partitions: 2 } }), refusing(capabilities.ordered === "refused")],
  ])("%s is taken or refused at declare, as the capabilities say", async (_, definition, expected) => {
    const provider = await harness.open();
    expect(provider.capabilities).toEqual(capabilities);
    const outcome = await provider.declare(definition).then(
      () => "taken",
      (error: unknown) => (error instanceof MessagingError ? error.code : String(error)),
    );
    expect(outcome).toBe(expected);
  });
}

function priorityBands(harness: Harness): void {
  describe("priority bands", () => {
    test("the most urgent starts first, and a low one isn't starved", async () => {
      const provider = await harness.open();
      const queue = uniqueQueue({ priority: "bands" });
      await provider.declare(queue);
      const order: number[] = [];
      const hold = gate();
      await provider.publish(queue.name, { type: "first", payload: 1, priority: "normal" });
      await provider.subscribe(
        queue.name,
        async ({ message }) => {
          if (message.type === "first") await hold.opened;
          else order.push(message.priority);
        },
        { group: "workers", concurrency: 1 },
      );
      await until("the first to run", async () => (await provider.getQueueStats(queue.name)).groups[0]?.ready === 0);
      await provider.publishBatch(
        queue.name,
        Array.from({ length: 40 }, (_, at) => ({ type: "t", payload: at, priority: at < 20 ? 1 : 9 })),
      );
      // One of each band is here by now, whichever came first.
      await until(
        "one of each band held",
        async () => (await provider.getQueueStats(queue.name)).groups[0]?.ready === 38,
      );
      hold.open();
      await until("all", () => order.length === 40);
      // A server that is slow to bring the next urgent one lets a low one in now and then.
      expect(order.slice(0, 16)).toContain(1);
      expect(order.slice(0, 16).filter((priority) => priority === 9).length).toBeGreaterThanOrEqual(10);
    });

    test("an urgent message waits for no more than one running handler of each slot", async () => {
      const provider = await harness.open();
      const queue = uniqueQueue({ priority: "bands" });
      await provider.declare(queue);
      const started: string[] = [];
      const holds: (() => void)[] = [];
      await provider.subscribe(
        queue.name,
        async ({ message }) => {
          started.push(message.type);
          const hold = gate();
          holds.push(hold.open);
          await hold.opened;
        },
        { group: "workers", concurrency: 3 },
      );
      await provider.publishBatch(
        queue.name,
        Array.from({ length: 30 }, () => ({ type: "normal", payload: 1 })),
      );
      await until("three run", () => started.length === 3);
      await provider.publish(queue.name, { type: "urgent", payload: 1, priority: "urgent" });
      // Three run, the rest of the normal ones wait at the server: so the urgent one is held here.
      await until(
        "the urgent one is here",
        async () => (await provider.getQueueStats(queue.name)).groups[0]?.ready === 27,
      );
      holds.shift()?.();
      await until("the fourth", () => started.length === 4);
      expect(started[3]).toBe("urgent");
      for (let at = 0; at < 40; at++) {
        await until("another", () => holds.length > 0 || started.length === 31);
        holds.shift()?.();
      }
      await until("all", () => started.length === 31);
    });

    test("a burst in one band uses every slot", async () => {
      const provider = await harness.open();
      const queue = uniqueQueue({ priority: "bands" });
      await provider.declare(queue);
      let running = 0;
      let most = 0;
      let ended = 0;
      const subscription = await provider.subscribe(
        queue.name,
        async () => {
          running += 1;
          most = Math.max(most, running);
          await new Promise((resolve) => setTimeout(resolve, 30));
          running -= 1;
          ended += 1;
        },
        { group: "workers", concurrency: 6 },
      );
      for (const priority of ["low", "urgent", "normal"] as const) {
        most = 0;
        // A pause gives every slot back, and changes nothing for afterwards.
        await subscription.pause();
        await subscription.resume();
        const before = ended;
        await provider.publishBatch(
          queue.name,
          Array.from({ length: 40 }, () => ({ type: "t", payload: 1, priority })),
        );
        await until("the burst", () => ended === before + 40);
        expect(most).toBe(6);
      }
    });

    test("a retry keeps its priority", async () => {
      const provider = await harness.open();
      const queue = uniqueQueue({ priority: "bands" });
      await provider.declare(queue);
      const got = collector();
      await provider.subscribe(
        queue.name,
        (delivery) => {
          got.take(delivery);
          if (delivery.attempt === 1) throw new Retry({ after: 10 });
        },
        { group: "workers" },
      );
      await provider.publish(queue.name, { type: "t", payload: 1, priority: 9 });
      expect((await got.atLeast(2)).map(({ message, attempt }) => [message.priority, attempt])).toEqual([
        [9, 1],
        [9, 2],
      ]);
    });
  });
}

function nativePriority(harness: Harness): void {
  describe("native priority", () => {
    test("what waits is delivered by priority", async () => {
      const provider = await harness.open();
      const queue = uniqueQueue({ priority: "native" });
      await provider.declare(queue);
      await provider.publishBatch(
        queue.name,
        [1, 9, 5, 10, 3].map((priority) => ({ type: "t", payload: 1, priority })),
      );
      const got = collector();
      await provider.subscribe(queue.name, got.take, { group: "workers", concurrency: 1, prefetch: 1 });
      expect((await got.atLeast(5)).map(({ message }) => message.priority)).toEqual([10, 9, 5, 3, 1]);
    });
  });
}

function orderedQueues(harness: Harness): void {
  describe("ordered queues", () => {
    test("messages of a key keep their order, through retries", async () => {
      const provider = await harness.open();
      const queue = uniqueQueue({
        ordered: { partitions: 3 },
        retry: { maxRetries: 3, initial: "5ms", max: "10ms" },
      });
      await provider.declare(queue);
      const seen = new Map<string, number[]>();
      let ended = 0;
      await provider.subscribe(
        queue.name,
        async ({ message, attempt }) => {
          const n = Number(message.payload);
          if (n % 5 === 2 && attempt < 3) throw new Error("not yet");
          await new Promise((resolve) => setTimeout(resolve, n % 3));
          const key = message.key ?? "";
          seen.set(key, [...(seen.get(key) ?? []), n]);
          ended += 1;
        },
        { group: "workers" },
      );
      const keys = ["a", "b", "c", "d", "e"];
      await provider.publishBatch(
        queue.name,
        Array.from({ length: 20 }, (_, n) => keys.map((key) => ({ type: "t", payload: n, key }))).flat(),
      );
      await until("all", () => ended === 100);
      for (const key of keys) expect(seen.get(key)).toEqual(Array.from({ length: 20 }, (_, n) => n));
    });

    test("the order holds when a consumer closes or pauses and makes way for another", async () => {
      const first = await harness.open();
      const second = await harness.open();
      const queue = uniqueQueue({
        ordered: { partitions: 1 },
        retry: { maxRetries: 5, initial: "50ms", max: "50ms" },
      });
      await first.declare(queue);
      await second.declare(queue);
      const order: string[] = [];
      const handle = (who: string) => async (delivery: Delivery) => {
        const n = Number(delivery.message.payload);
        if (n % 4 === 1 && delivery.attempt === 1) throw new Error("once more");
        await new Promise((resolve) => setTimeout(resolve, 10));
        order.push(`${who}${n}`);
      };
      const a = await first.subscribe(queue.name, handle("a"), { group: "workers" });
      const b = await second.subscribe(queue.name, handle("b"), { group: "workers" });
      await first.publishBatch(
        queue.name,
        Array.from({ length: 24 }, (_, n) => ({ type: "t", payload: n, key: "k" })),
      );
      await until("a few", () => order.length >= 5);
      await a.pause();
      await until("a few of the other's", () => order.filter((one) => one.startsWith("b")).length >= 5);
      await a.resume();
      await b.close();
      const numbers = () => order.map((one) => Number(one.slice(1)));
      await until("all", () => new Set(numbers()).size === 24);
      // At least once: one that came twice came twice in a row.
      const inOrder = numbers().filter((n, at, all) => n !== all[at - 1]);
      expect(inOrder).toEqual(Array.from({ length: 24 }, (_, n) => n));
      await a.close();
    });

    test("the order holds when the consumer is lost and its deliveries go back", async () => {
      const first = await harness.open();
      const queue = uniqueQueue({ ordered: { partitions: 2 } });
      await first.declare(queue);
      const before: number[] = [];
      await first.subscribe(
        queue.name,
        async ({ message, signal }) => {
          const n = Number(message.payload);
          if (n === 5) await new Promise((resolve) => signal.addEventListener("abort", resolve, { once: true }));
          else before.push(n);
        },
        { group: "workers" },
      );
      await first.publishBatch(
        queue.name,
        Array.from({ length: 12 }, (_, n) => ({ type: "t", payload: n, key: "k" })),
      );
      await until("it hangs at the sixth", () => before.length === 5);
      await harness.crash(first);
      const second = await harness.open();
      await second.declare(queue);
      const got = collector<number>();
      await second.subscribe(queue.name, ({ message }) => got.take(Number(message.payload)), { group: "workers" });
      const after = await got.atLeast(7, 40_000);
      expect(before).toEqual([0, 1, 2, 3, 4]);
      expect(after).toEqual([5, 6, 7, 8, 9, 10, 11]);
    }, 90_000);
  });
}

function liveBroadcasts(harness: Harness): void {
  describe("live broadcasts", () => {
    test("everybody who listens gets it, nobody is no error, and groups keep theirs", async () => {
      const provider = await harness.open();
      const queue = uniqueQueue({ kind: "broadcast", name: "alerts", groups: ["archive"] });
      await provider.declare(queue);
      await provider.declare(uniqueQueue({ kind: "broadcast", name: "unheard", groups: [] }));
      await provider.publish("unheard", { type: "nobody", payload: 1 });
      const a = collector();
      const b = collector();
      await provider.subscribe("alerts", a.take, {});
      const leaving = await provider.subscribe("alerts", b.take, {});
      await provider.publish("alerts", { type: "fire", payload: 1 });
      await Promise.all([a.atLeast(1), b.atLeast(1)]);
      await leaving.close();
      await provider.publish("alerts", { type: "out", payload: 1 });
      await a.atLeast(2);
      const archive = collector();
      await provider.subscribe("alerts", archive.take, { group: "archive" });
      expect((await archive.atLeast(2)).map(({ message }) => message.type)).toEqual(["fire", "out"]);
      expect(b.items).toHaveLength(1);
    });
  });
}

function processRateLimit(harness: Harness): void {
  describe("rate limit of a process", () => {
    test("never more than `max` begin within `per`", async () => {
      const provider = await harness.open();
      const queue = uniqueQueue({ rateLimit: { max: 5, per: "200ms", scope: "process" } });
      await provider.declare(queue);
      const starts: number[] = [];
      await provider.publishBatch(
        queue.name,
        Array.from({ length: 18 }, (_, at) => ({ type: "t", payload: at })),
      );
      await provider.subscribe(queue.name, () => void starts.push(performance.now()), { group: "workers" });
      await until("all", () => starts.length === 18);
      for (let at = 5; at < starts.length; at++)
        expect((starts[at] ?? 0) - (starts[at - 5] ?? 0)).toBeGreaterThanOrEqual(199);
    });
  });
}
