import type { Group, Queue } from "../queue-definition.ts";

/** The bands of a queue with priorities, the most urgent first, and the priorities that each holds. */
export const bands = [
  { suffix: ".urgent", from: 9 },
  { suffix: ".high", from: 7 },
  // Normal has the bare name: a plain client that knows no bands publishes and consumes there.
  { suffix: "", from: 5 },
  { suffix: ".low", from: 0 },
] as const;

/** Which of `bands` a priority belongs to. */
export function bandOf(priority: number): number {
  return bands.findIndex(({ from }) => priority >= from);
}

/** The three exchanges of the specification, the one by which retries come back, and the system's queues. */
export function systemNames(prefix: string) {
  return {
    tasks: `${prefix}.tasks`,
    events: `${prefix}.events`,
    notifications: `${prefix}.notifications`,
    /** Direct, by the name of a group's queue. */
    back: `${prefix}.return`,
    /** Takes what comes back to a queue that is gone. */
    lost: `${prefix}.unreturned`,
    deadLetters: `${prefix}.dlq`,
    retry: `${prefix}.retry`,
  };
}

/** The exchange that a queue's messages are published to. */
export function exchangeOf(prefix: string, queue: Queue): string {
  const names = systemNames(prefix);
  if (queue.kind === "task") return names.tasks;
  if (queue.kind === "event") return names.events;
  // A fanout exchange can't tell queues apart: other broadcasts have one of their own.
  return queue.name === "notifications" ? names.notifications : `${prefix}.${queue.name}`;
}

/** A group's queue: the bare name where there is one group, else `<name>.<group>`; broadcasts always have the group. */
function groupQueueName(prefix: string, queue: Queue, group: string): string {
  const bare = `${prefix}.${queue.name}`;
  return queue.groups.length === 1 && queue.kind !== "broadcast" ? bare : `${bare}.${group}`;
}

/**
 * Every queue at the broker that holds deliveries of the group: bands, partitions, or the one; and where its length is
 * limited, one for what comes back. Refused there, a retry would hold up those of every queue behind it.
 */
export function physicalQueues(prefix: string, queue: Queue, group: Group): string[] {
  const name = groupQueueName(prefix, queue, group.name);
  if (queue.partitions > 0) return Array.from({ length: queue.partitions }, (_, partition) => `${name}.${partition}`);
  if (queue.priority === "bands") return bands.map(({ suffix }) => name + suffix);
  return isBounded(queue) ? [name, name + returns] : [name];
}

/** The routing key of tasks: the name without the exchange's word before it. */
export function taskKey(queueName: string): string {
  return queueName.startsWith("tasks.") ? queueName.slice("tasks.".length) : queueName;
}

const returns = ".returns";

/** Whether what comes back has a queue of its own. */
export function isBounded(queue: Queue): boolean {
  return queue.maxLength !== null && queue.partitions === 0;
}

/** Where a delivery of this queue at the broker comes back to. */
export function returnQueueOf(queue: Queue, physical: string): string {
  return isBounded(queue) && !physical.endsWith(returns) ? physical + returns : physical;
}

export function isReturnQueue(queue: Queue, physical: string): boolean {
  return isBounded(queue) && physical.endsWith(returns);
}
