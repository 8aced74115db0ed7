import { MessagingError } from "../errors.ts";
import { topicBase, type Group, type Queue } from "../queue-definition.ts";
import { bands, exchangeOf, isBounded, isReturnQueue, physicalQueues, systemNames, taskKey } from "./names.ts";
import { rungsOf } from "./rungs.ts";

export interface ExchangeSpec {
  readonly name: string;
  readonly type: "direct" | "topic" | "fanout";
  /** Gets what no queue takes. */
  readonly alternate?: string;
}

export interface QueueSpec {
  readonly name: string;
  /** Arguments that only a declaration can set. */
  readonly fixed: Readonly<Record<string, string | number | boolean>>;
  /** Limits and times to live that may change: a policy where we may set one, else arguments too. */
  readonly limits: Readonly<Record<string, number>>;
}

export interface BindingSpec {
  readonly exchange: string;
  readonly queue: string;
  readonly routingKey: string;
}

/** What has to be there at the broker. */
export interface Topology {
  readonly exchanges: readonly ExchangeSpec[];
  readonly queues: readonly QueueSpec[];
  readonly bindings: readonly BindingSpec[];
}

const dayMs = 86_400_000;

// Else a message in transit between two queues can be lost with its node ("at-most-once", the default).
const safeHop = {
  "x-queue-type": "quorum",
  "x-overflow": "reject-publish",
  "x-dead-letter-strategy": "at-least-once",
} as const;
// Ours is `maxRedeliveries`, far below; without one, 4.x has 20 of its own.
const brokersDeliveryLimit = 50;
// No value of all versions says so: 3.10 takes no -1.
const noLimit = 1_000_000_000;

/** What every installation has, whatever queues it declares. */
export function systemTopology(prefix: string): Topology {
  const names = systemNames(prefix);
  const rungs = rungsOf(prefix);
  return {
    exchanges: [
      { name: names.tasks, type: "direct" },
      { name: names.events, type: "topic" },
      { name: names.notifications, type: "fanout" },
      { name: names.lost, type: "fanout" },
      // Else what comes back to a queue that was deleted stays in its rung, and in time holds up all behind it.
      { name: names.back, type: "direct", alternate: names.lost },
      // The routing key stays the group's queue on its way through.
      ...rungs.map(({ name }): ExchangeSpec => ({ name, type: "fanout" })),
    ],
    queues: [
      {
        name: names.deadLetters,
        // A reader that throws gets it again; from 4.0 on the broker's own limit would drop it after twenty times.
        fixed: { "x-queue-type": "quorum", "x-overflow": "reject-publish", "x-delivery-limit": noLimit },
        limits: { "message-ttl": 7 * dayMs, "max-length": 100_000 },
      },
      ...rungs.map(({ name, ms, maxLength }): QueueSpec => ({
        name,
        fixed: { ...safeHop, "x-dead-letter-exchange": names.back },
        limits: { "message-ttl": ms, "max-length": maxLength },
      })),
    ],
    bindings: [
      ...rungs.map(({ name }) => ({ exchange: name, queue: name, routingKey: "" })),
      { exchange: names.lost, queue: names.deadLetters, routingKey: "" },
    ],
  };
}

/** What one queue and its groups need. */
export function queueTopology(prefix: string, queue: Queue): Topology {
  const exchange = exchangeOf(prefix, queue);
  const isOwnExchange = queue.kind === "broadcast" && exchange !== systemNames(prefix).notifications;
  const queues = queue.groups.flatMap((group) =>
    physicalQueues(prefix, queue, group).map((name) => groupQueue(prefix, queue, name)),
  );
  return {
    exchanges: isOwnExchange ? [{ name: exchange, type: "fanout" }] : [],
    queues,
    bindings: queue.groups.flatMap((group) => groupBindings(prefix, queue, group, exchange)),
  };
}

function groupQueue(prefix: string, queue: Queue, name: string): QueueSpec {
  const names = systemNames(prefix);
  const isClassic = queue.priority === "native";
  const kind = isClassic
    ? // Quorum queues have no priorities of this kind, and classic ones no safe dead lettering: the specification's choice.
      { "x-queue-type": "classic", "x-max-priority": 10, "x-overflow": "reject-publish" }
    : { ...safeHop, "x-delivery-limit": brokersDeliveryLimit };
  return {
    name,
    fixed: {
      ...kind,
      // Also where failures are discarded: the broker's own reasons (expired, its limit) are never silent.
      "x-dead-letter-exchange": "",
      "x-dead-letter-routing-key": names.deadLetters,
      ...(queue.partitions > 0 ? { "x-single-active-consumer": true } : {}),
    },
    limits: {
      ...(queue.ttlMs === null ? {} : { "message-ttl": queue.ttlMs }),
      ...(queue.maxLength === null || isReturnQueue(queue, name) ? {} : { "max-length": queue.maxLength }),
    },
  };
}

function groupBindings(prefix: string, queue: Queue, group: Group, exchange: string): BindingSpec[] {
  const { back } = systemNames(prefix);
  const names = physicalQueues(prefix, queue, group);
  const returns = names.map((name) => ({ exchange: back, queue: name, routingKey: name }));
  return [
    ...names.flatMap((name, index) =>
      routingKeys(queue, group, index).map((routingKey) => ({ exchange, queue: name, routingKey })),
    ),
    ...returns,
  ];
}

/** By which keys messages come to the group's queue of this index. */
function routingKeys(queue: Queue, group: Group, index: number): readonly string[] {
  if (isBounded(queue) && index > 0) return [];
  if (queue.kind === "broadcast") return [""];
  if (queue.kind === "event") return queue.partitions > 0 ? [`${topicBase(queue.name)}.${index}.#`] : group.topics;
  if (queue.partitions > 0) return [`${taskKey(queue.name)}.${index}`];
  return [taskKey(queue.name) + (queue.priority === "bands" ? (bands[index]?.suffix ?? "") : "")];
}

/**
 * That no two queues share a queue, an exchange or messages at the broker.
 *
 * @throws MessagingError `invalid_definition` that names both.
 */
export function refuseClash(prefix: string, queue: Queue, others: Iterable<Queue>): void {
  const clash = (words: string): never => {
    throw new MessagingError("invalid_definition", `queue ${queue.name}: ${words}`);
  };
  const own = queueTopology(prefix, queue);
  const system = systemTopology(prefix);
  const isSystems = (name: string): boolean => [...system.queues, ...system.exchanges].some((one) => one.name === name);
  for (const { name } of [...own.queues, ...own.exchanges]) {
    if (isSystems(name)) clash(`at the broker it would be ${name}, which is the system's`);
  }
  for (const other of others) {
    if (other.name === queue.name) continue;
    const taken = queueTopology(prefix, other);
    const names = new Set([...taken.queues, ...taken.exchanges].map(({ name }) => name));
    for (const { name } of [...own.queues, ...own.exchanges]) {
      if (names.has(name)) clash(`at the broker it would be ${name}, which queue ${other.name} is already`);
    }
    if (queue.kind === "task" && other.kind === "task" && taskKey(queue.name) === taskKey(other.name)) {
      clash(`its messages would go to queue ${other.name} too: "tasks." before the name makes no difference`);
    }
    if (queue.kind === "event" && other.kind === "event" && areNested(topicBase(queue.name), topicBase(other.name))) {
      clash(
        `its events and those of queue ${other.name} would have the same topics: one name begins with the other's words`,
      );
    }
  }
}

function areNested(one: string, other: string): boolean {
  return `${one}.`.startsWith(`${other}.`) || `${other}.`.startsWith(`${one}.`);
}

/** Which queue and group a queue at the broker belongs to. */
export function ownerOf(
  prefix: string,
  physical: string,
  queues: Iterable<Queue>,
): { queue: Queue; group: Group } | undefined {
  for (const queue of queues) {
    const group = queue.groups.find((one) => physicalQueues(prefix, queue, one).includes(physical));
    if (group !== undefined) return { queue, group };
  }
  return undefined;
}
