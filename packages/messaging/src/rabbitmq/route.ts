import { crc32 } from "node:zlib";
import type { Message } from "../message.ts";
import { topicBase, topicOf, type Queue } from "../queue-definition.ts";
import { bandOf, bands, exchangeOf, taskKey } from "./names.ts";

export interface Route {
  readonly exchange: string;
  readonly routingKey: string;
}

/** Where a message of an ordered queue belongs: CRC-32 (IEEE 802.3) of its key's UTF-8 bytes, modulo the partitions. */
export function partitionOf(key: string, partitions: number): number {
  return crc32(key) % partitions;
}

/**
 * Exchange and routing key of a message. Bands and partitions are chosen here: tasks carry them behind the key
 * (`llm.urgent`, `orders.3`), ordered events before the type (`user-events.3.user.registered`).
 */
export function routeOf(prefix: string, queue: Queue, message: Message): Route {
  const exchange = exchangeOf(prefix, queue);
  if (queue.kind === "broadcast") return { exchange, routingKey: message.type };
  const part = partOf(queue, message);
  if (queue.kind === "task")
    return { exchange, routingKey: part === "" ? taskKey(queue.name) : `${taskKey(queue.name)}.${part}` };
  return {
    exchange,
    routingKey: part === "" ? topicOf(queue.name, message.type) : `${topicBase(queue.name)}.${part}.${message.type}`,
  };
}

/** The word that names band or partition; "" for normal priority and for queues with neither. */
function partOf(queue: Queue, message: Message): string {
  // Without a key, a message is its own: it has no order to keep.
  if (queue.partitions > 0) return String(partitionOf(message.key ?? message.id, queue.partitions));
  if (queue.priority === "bands") return bands[bandOf(message.priority)]?.suffix.slice(1) ?? "";
  return "";
}

/** Which of a group's queues at the broker (by their order in `physicalQueues`) a message belongs to. */
export function physicalIndexOf(queue: Queue, message: Message): number {
  if (queue.partitions > 0) return partitionOf(message.key ?? message.id, queue.partitions);
  return queue.priority === "bands" ? bandOf(message.priority) : 0;
}
