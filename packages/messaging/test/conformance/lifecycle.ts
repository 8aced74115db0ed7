import { describe, expect, test } from "vitest";
import { collector, gate, uniqueQueue, until, type Harness } from "./world.ts";

export function lifecycle(harness: Harness): void {
  describe("lifecycle", () => {
    test("no more than `concurrency` run at a time", async () => {
      const provider = await harness.open();
      const queue = uniqueQueue();
      await provider.declare(queue);
      let running = 0;
      let most = 0;
      const finished = collector<number>();
      await provider.subscribe(
        queue.name,
        async () => {
          running += 1;
          most = Math.max(most, running);
          await new Promise((resolve) => setTimeout(resolve, 5));
          running -= 1;
          finished.take(1);
        },
        { group: "workers", concurrency: 4, prefetch: 20 },
      );
      await provider.publishBatch(
        queue.name,
        Array.from({ length: 60 }, (_, at) => ({ type: "t", payload: at })),
      );
      await finished.atLeast(60);
      expect(most).toBe(4);
    });

    test("close lets handlers end, begins nothing new for long, and gives the rest to others", async () => {
      const provider = await harness.open();
      const queue = uniqueQueue();
      await provider.declare(queue);
      const hold = gate();
      const started = collector();
      const ended = collector();
      const subscription = await provider.subscribe(
        queue.name,
        async (delivery) => {
          started.take(delivery);
          await hold.opened;
          ended.take(delivery);
        },
        { group: "workers", concurrency: 2, prefetch: 10 },
      );
      await provider.publishBatch(
        queue.name,
        Array.from({ length: 6 }, (_, at) => ({ type: "t", payload: at })),
      );
      await started.atLeast(2);
      const closed = subscription.close({ deadline: "2s" });
      const other = await harness.open();
      await other.declare(queue);
      const elsewhere = collector();
      await other.subscribe(queue.name, elsewhere.take, { group: "workers" });
      // Half the deadline passes, then what wasn't begun goes back.
      await elsewhere.atLeast(4);
      hold.open();
      await closed;
      expect(ended.items).toHaveLength(2);
      expect(elsewhere.items.every(({ attempt }) => attempt === 1)).toBe(true);
      expect(new Set([...ended.items, ...elsewhere.items].map(({ message }) => message.payload)).size).toBe(6);
    });

    test("close handles what it holds when handlers are quick", async () => {
      const provider = await harness.open();
      const queue = uniqueQueue();
      await provider.declare(queue);
      const got = collector();
      const subscription = await provider.subscribe(queue.name, got.take, {
        group: "workers",
        concurrency: 1,
        prefetch: 50,
      });
      await subscription.pause();
      await provider.publishBatch(
        queue.name,
        Array.from({ length: 20 }, (_, at) => ({ type: "t", payload: at })),
      );
      await subscription.resume();
      await got.atLeast(1);
      await subscription.close();
      // What came while it was closing goes back with the channel, which the server does in its own time.
      await until("every one handled or waiting", async () => {
        const { groups } = await provider.getQueueStats(queue.name);
        return got.items.length + (groups[0]?.ready ?? 0) === 20;
      });
      expect(got.items.every(({ redeliveries }) => redeliveries === 0)).toBe(true);
    });

    test("a handler that never ends doesn't hold close beyond its deadline, and loses its lease", async () => {
      const provider = await harness.open();
      const queue = uniqueQueue();
      await provider.declare(queue);
      const got = collector();
      const subscription = await provider.subscribe(
        queue.name,
        async (delivery) => {
          got.take(delivery);
          await new Promise(() => {});
        },
        { group: "workers" },
      );
      await provider.publish(queue.name, { type: "t", payload: 1 });
      const [stuck] = await got.atLeast(1);
      await subscription.close({ deadline: "200ms" });
      expect(stuck?.signal.aborted).toBe(true);
      await until("it waits again", async () => (await provider.getQueueStats(queue.name)).groups[0]?.ready === 1);
    });

    test("pause takes nothing new, resume goes on; by queue and by group", async () => {
      const provider = await harness.open();
      const queue = uniqueQueue({ kind: "event", name: "paused-events", groups: ["one", "two"] });
      await provider.declare(queue);
      const one = collector();
      const two = collector();
      await provider.subscribe(queue.name, one.take, { group: "one" });
      await provider.subscribe(queue.name, two.take, { group: "two" });
      await provider.pause(queue.name, "one");
      await provider.publish(queue.name, { type: "t", payload: 1 });
      await two.atLeast(1);
      expect(one.items).toHaveLength(0);
      expect((await provider.getQueueStats(queue.name)).groups.find(({ group }) => group === "one")?.ready).toBe(1);
      await provider.resume(queue.name);
      await one.atLeast(1);
      await provider.pause(queue.name);
      await provider.publish(queue.name, { type: "t", payload: 2 });
      await until("one waits in each", async () =>
        (await provider.getQueueStats(queue.name)).groups.every(({ ready }) => ready === 1),
      );
      await provider.resume(queue.name);
      await Promise.all([one.atLeast(2), two.atLeast(2)]);
    });

    test("extend keeps a lease that is held", async () => {
      const provider = await harness.open();
      const queue = uniqueQueue();
      await provider.declare(queue);
      const extended = collector<boolean>();
      await provider.subscribe(
        queue.name,
        async (delivery) => {
          await delivery.extend();
          extended.take(delivery.signal.aborted);
        },
        { group: "workers" },
      );
      await provider.publish(queue.name, { type: "t", payload: 1 });
      expect(await extended.atLeast(1)).toEqual([false]);
    });

    test("a provider whose server comes back goes on by itself", async () => {
      const provider = await harness.open();
      const queue = uniqueQueue();
      await provider.declare(queue);
      const got = collector();
      await provider.subscribe(queue.name, got.take, { group: "workers" });
      expect(await provider.healthCheck()).toBe(true);
      await harness.restart();
      await until("health", () => provider.healthCheck());
      await provider.publish(queue.name, { type: "after", payload: 1 });
      expect((await got.atLeast(1))[0]?.message.type).toBe("after");
    }, 120_000);
  });
}
