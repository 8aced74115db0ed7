import { durationMs, type Duration } from "../duration.ts";
import { MessagingError } from "../errors.ts";
import type { Message } from "../message.ts";
import { longestDelayMs, mostRetries } from "../outcome.ts";
import type { PublishOptions } from "../provider.ts";
import type { Group, Queue } from "../queue-definition.ts";
import { encodeBody, encodeProperties } from "./codec.ts";
import { physicalQueues, returnQueueOf } from "./names.ts";
import type { Outgoing } from "./publish-entry.ts";
import { physicalIndexOf, routeOf } from "./route.ts";
import { waitFor, type Rung } from "./rungs.ts";

/** Publish options, checked. */
export interface CheckedPublish {
  readonly deadlineMs: number;
  readonly ttlMs: number | undefined;
  readonly delayMs: number;
  readonly maxRetries: number | undefined;
  readonly group: string | undefined;
}

/** @throws MessagingError `invalid_message` that names the option. */
export function checkPublish(options: PublishOptions | undefined, defaultDeadlineMs: number): CheckedPublish {
  const { deadline, ttl, delay, maxRetries, group } = options ?? {};
  if (maxRetries !== undefined && !(Number.isSafeInteger(maxRetries) && maxRetries >= 0 && maxRetries <= mostRetries)) {
    throw new MessagingError("invalid_message", "maxRetries: expected a whole number from 0 to 1000");
  }
  return {
    deadlineMs: checkedDuration("deadline", deadline, 1) ?? defaultDeadlineMs,
    ttlMs: checkedDuration("ttl", ttl, 1),
    delayMs: checkedDuration("delay", delay, 0) ?? 0,
    maxRetries,
    group,
  };
}

export function checkedDuration(name: string, duration: Duration | undefined, minMs: number): number | undefined {
  if (duration === undefined) return undefined;
  const ms = durationMs(duration);
  if (ms === null || ms < minMs || ms > longestDelayMs) {
    throw new MessagingError("invalid_message", `${name}: expected a duration such as 500ms or 30s, at most 30d`);
  }
  return ms;
}

export interface OutgoingContext {
  readonly prefix: string;
  readonly rungs: readonly Rung[];
  readonly maxMessageBytes: number;
  readonly nowMs: number;
  readonly trace: Readonly<Record<string, string>> | null;
}

/**
 * What has to be published for one message: one publish to the queue's exchange; or, for a delay or a single group, one
 * to each group concerned.
 *
 * @throws MessagingError `invalid_message`, `message_too_large`, `unknown_group`.
 */
export function outgoingOf(
  queue: Queue,
  message: Message,
  options: CheckedPublish,
  context: OutgoingContext,
): Outgoing[] {
  const { prefix, rungs } = context;
  const body = encodeBody(message.payload);
  if (body.length > context.maxMessageBytes) {
    throw new MessagingError(
      "message_too_large",
      `the payload has ${body.length} bytes; at most ${context.maxMessageBytes} are allowed: store it elsewhere and send where it is`,
    );
  }
  if (options.delayMs > 0 && options.group === undefined && queue.kind !== "task") {
    throw new MessagingError(
      "unsupported",
      `queue ${queue.name}: a delay on RabbitMQ is for tasks, or for one group; ${queue.kind === "event" ? "an event" : "a broadcast"} for all has to be published when it is due`,
    );
  }
  if (options.delayMs > 0 && queue.partitions > 0) {
    throw new MessagingError(
      "unsupported",
      `queue ${queue.name}: an ordered queue takes no delayed messages: they would come out of their order`,
    );
  }
  const isDirect = options.delayMs > 0 || options.group !== undefined;
  const wait = options.delayMs > 0 ? waitFor(options.delayMs, rungs) : null;
  const properties = encodeProperties(message, {
    maxRetries: options.maxRetries,
    ttlMs: options.ttlMs === undefined ? undefined : options.ttlMs + options.delayMs,
    delayLeftMs: wait?.leftMs ?? 0,
    expirationMs: wait === null ? options.ttlMs : wait.expirationMs,
    trace: context.trace,
    nowMs: context.nowMs,
  });
  if (!isDirect)
    return [
      {
        ...routeOf(prefix, queue, message),
        body,
        properties,
        mayBeUnrouted: queue.kind === "broadcast",
        isShared: queue.kind !== "task" || queue.groups.length > 1,
      },
    ];

  return groupsFor(queue, options.group).map((group) => {
    const physical = physicalQueues(prefix, queue, group)[physicalIndexOf(queue, message)] ?? "";
    // A single group is reached by the name of its queue; where that is gone, the publish is told.
    return {
      exchange: wait?.rung.name ?? "",
      routingKey: wait === null ? physical : returnQueueOf(queue, physical),
      body,
      properties,
      mayBeUnrouted: false,
      isShared: false,
    };
  });
}

function groupsFor(queue: Queue, only: string | undefined): readonly Group[] {
  if (only === undefined) return queue.groups;
  const group = queue.groups.find(({ name }) => name === only);
  if (group === undefined) throw unknownGroup(queue, only);
  return [group];
}

export function unknownGroup(queue: Queue, group: string): MessagingError {
  return new MessagingError(
    "unknown_group",
    `queue ${queue.name} has no group "${group}"; declared: ${queue.groups.map(({ name }) => name).join(", ") || "none"}`,
  );
}
