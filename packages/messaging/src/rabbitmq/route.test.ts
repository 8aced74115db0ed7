import { expect, test } from "vitest";
import { completeMessage } from "../message.ts";
import type { QueueDefinition } from "../queue-definition.ts";
import { resolveQueue } from "../resolve-queue.ts";
import { matchesTopic } from "../topic.ts";
import { partitionOf, physicalIndexOf, routeOf } from "./route.ts";
import { queueTopology, refuseClash } from "./topology.ts";

const route = (definition: QueueDefinition, changes: { priority?: number; key?: string; type?: string } = {}) =>
  routeOf("fw", resolveQueue(definition), completeMessage({ type: "a.b", payload: 1, ...changes }, "tasks.t"));

test.each<[QueueDefinition, object, string, string]>([
  [{ name: "tasks.llm", kind: "task", groups: ["w"] }, {}, "fw.tasks", "llm"],
  [{ name: "orders", kind: "task", groups: ["w"] }, {}, "fw.tasks", "orders"],
  [{ name: "tasks.x", kind: "task", groups: ["w"], priority: "bands" }, { priority: 6 }, "fw.tasks", "x"],
  [{ name: "tasks.x", kind: "task", groups: ["w"], priority: "bands" }, { priority: 9 }, "fw.tasks", "x.urgent"],
  [{ name: "tasks.x", kind: "task", groups: ["w"], priority: "bands" }, { priority: 7 }, "fw.tasks", "x.high"],
  [{ name: "tasks.x", kind: "task", groups: ["w"], priority: "bands" }, { priority: 0 }, "fw.tasks", "x.low"],
  [{ name: "events.debate", kind: "event", groups: ["w"] }, {}, "fw.events", "debate.a.b"],
  [{ name: "user-events", kind: "event", groups: ["w"] }, {}, "fw.events", "user-events.a.b"],
  [{ name: "notifications", kind: "broadcast", groups: ["sse"] }, {}, "fw.notifications", "a.b"],
  [{ name: "alerts", kind: "broadcast" }, {}, "fw.alerts", "a.b"],
])("%o %o goes to %s by %s", (definition, changes, exchange, routingKey) => {
  expect(route(definition, changes)).toEqual({ exchange, routingKey });
});

test("a key's partition is the CRC-32 of its bytes, so that any language finds it", () => {
  // The check value of CRC-32 (IEEE 802.3): 0xCBF43926 for "123456789".
  expect(partitionOf("123456789", 1_000)).toBe(0xcbf43926 % 1_000);
  expect(
    route({ name: "o", kind: "task", groups: ["w"], ordered: { partitions: 4 } }, { key: "123456789" }).routingKey,
  ).toBe(`o.${0xcbf43926 % 4}`);
});

test("every route leads to the queue that a delay or a replay goes to directly, and to no other of the group", () => {
  const definitions: QueueDefinition[] = [
    { name: "tasks.x", kind: "task", groups: ["w"], priority: "bands" },
    { name: "o", kind: "task", groups: ["w", "v"], ordered: { partitions: 5 } },
    { name: "e", kind: "event", groups: ["w", "v"], ordered: { partitions: 3 } },
    { name: "plain", kind: "event", groups: ["w"] },
  ];
  for (const definition of definitions) {
    const queue = resolveQueue(definition);
    const { bindings } = queueTopology("fw", queue);
    for (let n = 0; n < 100; n++) {
      const message = completeMessage({ type: "a.b", payload: 1, key: `k${n}`, priority: n % 11 }, "tasks.t");
      const { exchange, routingKey } = routeOf("fw", queue, message);
      const reached = bindings
        .filter((binding) => binding.exchange === exchange && matchesTopic(binding.routingKey, routingKey))
        .map((binding) => binding.queue);
      expect(reached).toHaveLength(queue.groups.length);
      const index = physicalIndexOf(queue, message);
      const own = queueTopology("fw", queue).queues.map(({ name }) => name);
      const perGroup = own.length / queue.groups.length;
      expect(reached).toEqual(queue.groups.map((_, at) => own[at * perGroup + index]));
    }
  }
});

test("two queues that would be one at the broker, or one of the system's, are refused", () => {
  const ab = resolveQueue({ name: "a.b", kind: "task", groups: ["w"] });
  const a = resolveQueue({ name: "a", kind: "task", groups: ["b", "c"] });
  expect(() => refuseClash("fw", ab, [a])).toThrow(/fw\.a\.b, which queue a is already/);
  expect(() => refuseClash("fw", resolveQueue({ name: "dlq", kind: "task", groups: ["w"] }), [])).toThrow(
    /the system's/,
  );
  expect(() => refuseClash("fw", resolveQueue({ name: "retry", kind: "task", groups: ["1s", "x"] }), [])).toThrow(
    /the system's/,
  );
  expect(() => refuseClash("fw", ab, [ab])).not.toThrow();
});

const task = (name: string) => resolveQueue({ name, kind: "task", groups: ["w"] });
const event = (name: string) => resolveQueue({ name, kind: "event", groups: ["w"] });

test("two queues that would get each other's messages are refused", () => {
  expect(() => refuseClash("fw", task("tasks.x"), [task("x")])).toThrow(/queue x too/);
  expect(() => refuseClash("fw", event("orders"), [event("orders.paid")])).toThrow(/same topics/);
  expect(() => refuseClash("fw", event("events.debate"), [event("debate")])).toThrow(/same topics/);
  expect(() => refuseClash("fw", event("orders"), [event("orders-paid"), task("orders.x")])).not.toThrow();
  expect(() => refuseClash("fw", resolveQueue({ name: "retry", kind: "broadcast" }), [])).toThrow(/the system's/);
  expect(() => refuseClash("fw", resolveQueue({ name: "events", kind: "broadcast" }), [])).toThrow(/the system's/);
});
