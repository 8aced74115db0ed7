import { describe, expect, test } from "vitest";
import { MessagingError } from "../../src/index.ts";
import { collector, deadLettersOf, uniqueQueue, until, type Harness } from "./world.ts";

const code = (expected: string) => expect.objectContaining({ name: "MessagingError", code: expected });

const ids = (items: readonly { message: { id: string } }[]): number =>
  new Set(items.map(({ message }) => message.id)).size;

export function groups(harness: Harness): void {
  describe("groups", () => {
    test("each group gets every event, and each event goes to one consumer of the group", async () => {
      const provider = await harness.open();
      const other = await harness.open();
      const queue = uniqueQueue({ kind: "event", name: "user-events", groups: ["company", "notifications"] });
      await provider.declare(queue);
      await other.declare(queue);
      const company = collector();
      const notifications = collector();
      await provider.subscribe(queue.name, company.take, { group: "company" });
      await other.subscribe(queue.name, company.take, { group: "company" });
      await provider.subscribe(queue.name, notifications.take, { group: "notifications" });
      await provider.publishBatch(
        queue.name,
        Array.from({ length: 40 }, (_, at) => ({ id: `e${at}`, type: "user.registered", payload: at })),
      );
      await company.atLeast(40);
      await notifications.atLeast(40);
      expect(ids(company.items)).toBe(40);
      expect(ids(notifications.items)).toBe(40);
      expect(company.items).toHaveLength(40);
    });

    test("a new group starts at now", async () => {
      const provider = await harness.open();
      await provider.declare(uniqueQueue({ kind: "event", name: "growing", groups: ["a", "b"] }));
      await provider.publish("growing", { type: "before", payload: 1 });
      await provider.declare(uniqueQueue({ kind: "event", name: "growing", groups: ["a", "b", "c"] }));
      await provider.publish("growing", { type: "after", payload: 1 });
      const late = collector();
      const early = collector();
      await provider.subscribe("growing", late.take, { group: "c" });
      await provider.subscribe("growing", early.take, { group: "a" });
      await early.atLeast(2);
      expect((await late.atLeast(1)).map(({ message }) => message.type)).toEqual(["after"]);
    });

    test("one group that becomes two is refused while the first one's queue is there", async () => {
      const provider = await harness.open();
      await provider.declare(uniqueQueue({ kind: "event", name: "splitting", groups: ["a"] }));
      await provider.publish("splitting", { type: "before", payload: 1 });
      const split = await provider.declare(uniqueQueue({ kind: "event", name: "splitting", groups: ["a", "b"] })).then(
        () => "taken",
        (error: unknown) => (error instanceof MessagingError ? error.code : String(error)),
      );
      // Either the provider takes them over, or it says so: nothing may go on to where nobody looks.
      expect(["taken", "queue_quarantined"]).toContain(split);
      const got = collector();
      await provider.subscribe("splitting", got.take, { group: "a" });
      expect((await got.atLeast(1))[0]?.message.type).toBe("before");
    });

    test("topics choose which events a group gets, of other queues too", async () => {
      const provider = await harness.open();
      await provider.declare({ name: "events.debate", kind: "event", groups: [{ name: "debate" }] });
      await provider.declare({
        name: "events.verify",
        kind: "event",
        groups: [{ name: "verify", topics: ["verify.*.failed"] }],
      });
      await provider.declare({ name: "events.audit", kind: "event", groups: [{ name: "audit", topics: ["#"] }] });
      const got = { debate: collector<string>(), verify: collector<string>(), audit: collector<string>() };
      for (const [name, { take }] of Object.entries(got)) {
        await provider.subscribe(`events.${name}`, ({ message }) => take(message.type), { group: name });
      }
      await provider.publish("events.debate", { type: "round.started", payload: 1 });
      await provider.publish("events.verify", { type: "model.failed", payload: 1 });
      await provider.publish("events.debate", { type: "round.failed", payload: 1 });
      await got.audit.atLeast(3);
      await got.debate.atLeast(2);
      expect(await got.verify.atLeast(1)).toEqual(["model.failed"]);
      expect(got.debate.items.toSorted()).toEqual(["round.failed", "round.started"]);
      expect(got.audit.items.toSorted()).toEqual(["model.failed", "round.failed", "round.started"]);
    });

    test("a retry comes back to the group that failed alone", async () => {
      const provider = await harness.open();
      const queue = uniqueQueue({ kind: "event", name: "retried-events", groups: ["good", "bad"] });
      await provider.declare(queue);
      const good = collector();
      const bad = collector();
      await provider.subscribe(queue.name, good.take, { group: "good" });
      await provider.subscribe(
        queue.name,
        (delivery) => {
          bad.take(delivery);
          if (delivery.attempt === 1) throw new Error("once");
        },
        { group: "bad" },
      );
      await provider.publish(queue.name, { type: "t", payload: 1 });
      await bad.atLeast(2);
      await good.atLeast(1);
      await provider.close();
      expect(good.items).toHaveLength(1);
    });

    test("where one group is full the publish fails, and the others don't get it again and again", async () => {
      const provider = await harness.open();
      const queue = uniqueQueue({ kind: "event", name: "crowded-events", groups: ["full", "other"], maxLength: 3 });
      await provider.declare(queue);
      const copies = new Map<string, number>();
      await provider.subscribe(
        queue.name,
        ({ message }) => void copies.set(message.id, (copies.get(message.id) ?? 0) + 1),
        { group: "other" },
      );
      let n = 0;
      const refused = await until("a refusal", async () => {
        n += 1;
        return provider
          .publish(queue.name, { id: `c${n}`, type: "t", payload: n }, { deadline: "5s" })
          .then(() => false as const)
          .catch((reason: unknown) => reason);
      });
      expect(refused).toEqual(code("publish_refused"));
      expect(copies.get(`c${n}`) ?? 0).toBeLessThanOrEqual(2);
    });

    test("a replay goes to one group", async () => {
      const provider = await harness.open();
      const queue = uniqueQueue({ kind: "event", name: "replayed-events", groups: ["one", "two"] });
      await provider.declare(queue);
      const one = collector();
      const two = collector();
      await provider.subscribe(queue.name, one.take, { group: "one" });
      await provider.subscribe(queue.name, two.take, { group: "two" });
      await provider.publish(queue.name, { type: "replayed", payload: 1 }, { group: "two" });
      await provider.publish(queue.name, { type: "late", payload: 1 }, { group: "two", delay: "50ms" });
      await provider.publish(queue.name, { type: "all", payload: 1 });
      await two.atLeast(3);
      expect((await one.atLeast(1)).map(({ message }) => message.type)).toEqual(["all"]);
    });

    test("subscribing to a queue or group that wasn't declared fails", async () => {
      const provider = await harness.open();
      const queue = uniqueQueue();
      await provider.declare(queue);
      await expect(provider.subscribe("tasks.nowhere", () => {}, { group: "workers" })).rejects.toEqual(
        code("unknown_queue"),
      );
      await expect(provider.subscribe(queue.name, () => {}, { group: "strangers" })).rejects.toEqual(
        code("unknown_group"),
      );
      await expect(provider.subscribe(queue.name, () => {}, {})).rejects.toEqual(code("unknown_group"));
    });

    test.each([
      ["a task without a group", { groups: [] }, /needs a group/],
      ["an event without a group", { kind: "event" as const, groups: [] }, /needs a group/],
      ["two groups of one name", { groups: ["a", "a"] }, /twice/],
      ["a name with capitals", { name: "Tasks" }, /name/],
      ["a name that is too long", { name: "x".repeat(81) }, /name/],
      ["an unknown kind", { kind: "stream" as never }, /kind/],
      ["a time to live that is none", { ttl: "soon" as never }, /ttl/],
      ["a concurrency of 0", { concurrency: 0 }, /concurrency/],
      ["topics for a task", { groups: [{ name: "g", topics: ["#"] }] }, /only events/],
      ["a topic that is none", { kind: "event" as const, groups: [{ name: "g", topics: ["a..b"] }] }, /patterns/],
      ["an unknown setting", { conncurrency: 3 } as never, /did you mean "concurrency"/],
      ["a tracking queue that isn't declared", { tracking: "nobody-tracks" }, /tracking queue/],
      ["priorities on an ordered queue", { ordered: { partitions: 2 }, priority: "bands" as const }, /ordered/],
    ])("%s is refused at declare", async (_, changes, words) => {
      const provider = await harness.open();
      const definition = uniqueQueue(changes);
      await expect(provider.declare(definition)).rejects.toEqual(code("invalid_definition"));
      await expect(provider.declare(definition)).rejects.toThrow(words);
    });

    test("declaring again changes nothing", async () => {
      const provider = await harness.open();
      const queue = uniqueQueue({ ttl: "1h", maxLength: 100 });
      await provider.declare(queue);
      await provider.publish(queue.name, { type: "t", payload: 1 });
      await provider.declare(queue);
      await (await harness.open()).declare(queue);
      expect((await provider.getQueueStats(queue.name)).groups).toMatchObject([{ group: "workers", ready: 1 }]);
    });

    test("stats, purge and the count of dead letters", async () => {
      const provider = await harness.open();
      await provider.purgeDeadLetters();
      const queue = uniqueQueue({ kind: "event", name: "counted-events", groups: ["one", "two"] });
      await provider.declare(queue);
      await provider.publishBatch(
        queue.name,
        Array.from({ length: 3 }, (_, at) => ({ type: "t", payload: at })),
      );
      await until("three in each", async () =>
        (await provider.getQueueStats(queue.name)).groups.every(({ ready }) => ready === 3),
      );
      expect(await provider.purge(queue.name, "one")).toBe(3);
      expect((await provider.getQueueStats(queue.name)).groups.map(({ group, ready }) => [group, ready])).toEqual([
        ["one", 0],
        ["two", 3],
      ]);
      expect(await provider.purge(queue.name)).toBe(3);
      await provider.publish(queue.name, { type: "t", payload: 1 }, { ttl: 1, group: "one" });
      await until("a dead letter", async () => (await provider.countDeadLetters()) === 1);
      expect(await provider.purgeDeadLetters()).toBe(1);
      expect(await provider.countDeadLetters()).toBe(0);
      await expect(provider.purge(queue.name, "three")).rejects.toEqual(code("unknown_group"));
    });

    test("a dead letter whose handler throws is kept", async () => {
      const provider = await harness.open();
      await provider.purgeDeadLetters();
      const queue = uniqueQueue();
      await provider.declare(queue);
      await provider.publish(queue.name, { type: "t", payload: 1 }, { ttl: 1 });
      let offers = 0;
      const failing = await provider.consumeDeadLetters(() => {
        offers += 1;
        throw new Error("no room");
      });
      await until("two offers", () => offers >= 2);
      await failing.close();
      const dead = await deadLettersOf(provider, queue.name);
      expect((await dead.atLeast(1))[0]?.reason).toBe("expired");
    });
  });
}
