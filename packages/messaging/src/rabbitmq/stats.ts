import type { Channel } from "amqplib";
import type { GroupStats, QueueStats } from "../provider.ts";
import type { Queue } from "../queue-definition.ts";
import { physicalQueues } from "./names.ts";

/** By passive declarations: AMQP tells what waits and how many consume, not what is being handled. */
export async function queueStats(channel: Channel, prefix: string, queue: Queue): Promise<QueueStats> {
  const groups: GroupStats[] = [];
  for (const group of queue.groups) {
    let ready = 0;
    let consumers = 0;
    for (const name of physicalQueues(prefix, queue, group)) {
      const { messageCount, consumerCount } = await channel.checkQueue(name);
      ready += messageCount;
      consumers = Math.max(consumers, consumerCount);
    }
    groups.push({ group: group.name, ready, active: null, delayed: null, consumers });
  }
  return { queue: queue.name, groups };
}
