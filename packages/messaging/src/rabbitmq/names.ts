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

/** Every queue at the broker that holds deliveries of the group: bands, partitions, or the one. */
export function physicalQueues(prefix: string, queue: Queue, group: Group): string[] {
  const name = groupQueueName(prefix, queue, group.name);
  if (queue.partitions > 0) return Array.from({ length: queue.partitions }, (_, partition) => `${name}.${partition}`);
  if (queue.priority === "bands") return bands.map(({ suffix }) => name + suffix);
  return [name];
}

/** The routing key of tasks: the name without the exchange's word before it. */
export function taskKey(queueName: string): string {
  return queueName.startsWith("tasks.") ? queueName.slice("tasks.".length) : queueName;
}
