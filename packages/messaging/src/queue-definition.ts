import type { Duration } from "./duration.ts";
import type { RetryPolicy } from "./backoff.ts";

/**
 * `task`: each message is work for one consumer of the group. `event`: each group gets a copy, filtered by topics.
 * `broadcast`: each group gets every message; without groups, whoever listens right now.
 */
export type QueueKind = "task" | "event" | "broadcast";

/** `bands`: four bands, none starves. `native`: the broker's own, where it has one; weaker (see the guarantee table). */
export type PriorityMode = "none" | "bands" | "native";

/** A group, where its name alone doesn't say enough. */
export interface GroupDefinition {
  name: string;
  /**
   * Events only: patterns of `*` (one word) and `#` (any number) that the event's topic has to match. Default: all of
   * this queue's own events. `["#"]` takes the events of every queue.
   */
  topics?: readonly string[] | undefined;
}

/** A queue as it is declared, in YAML or in code. Only name and kind are needed, and a group for tasks and events. */
export interface QueueDefinition {
  /** Lower-case words joined by dots or dashes, such as `tasks.background` or `user-events`. */
  name: string;
  kind: QueueKind;
  groups?: readonly (string | GroupDefinition)[] | undefined;
  /** Default none. */
  priority?: PriorityMode | undefined;
  /** Keeps the order of messages with the same key: so many partitions, each with one consumer at a time. */
  ordered?: { partitions: number } | undefined;
  /** How long a message may wait; then it is a dead letter (`expired`). Default: for ever. */
  ttl?: Duration | undefined;
  /** Messages that may wait in each group; more are refused. Default: no limit. */
  maxLength?: number | undefined;
  retry?: { maxRetries?: number; initial?: Duration; factor?: number; max?: Duration } | undefined;
  /** Deliveries that one consumer handles at a time. Default 10. */
  concurrency?: number | undefined;
  /** Starts of deliveries at most, by each group. `process`: by each consumer for itself. Default scope installation. */
  rateLimit?: { max: number; per: Duration; scope?: "process" | "installation" } | undefined;
  /** How long a delivery belongs to its consumer unless it extends it. Default 30 s. */
  lease?: Duration | undefined;
  /** What becomes of failed deliveries. Default keep. */
  deadLetters?: "keep" | "discard" | undefined;
  /** A message whose id came within this time is dropped. Default: none is. */
  dedupeWindow?: Duration | undefined;
  /** The queue that gets reports of what became of this queue's deliveries. Default: none. */
  tracking?: string | undefined;
  /** Major versions of payloads that consumers understand; others are dead letters. Default [1]. */
  versions?: readonly number[] | undefined;
}

/** A definition with its defaults filled in; durations in milliseconds. */
export interface Queue {
  readonly name: string;
  readonly kind: QueueKind;
  readonly groups: readonly Group[];
  readonly priority: PriorityMode;
  /** 0: not ordered. */
  readonly partitions: number;
  readonly ttlMs: number | null;
  readonly maxLength: number | null;
  readonly retry: RetryPolicy;
  readonly concurrency: number;
  readonly rateLimit: RateLimit | null;
  readonly leaseMs: number;
  readonly deadLetters: "keep" | "discard";
  readonly dedupeWindowMs: number | null;
  readonly tracking: string | null;
  readonly versions: readonly number[];
}

export interface Group {
  readonly name: string;
  /** Absolute patterns over topics (see `topicOf`); empty for tasks and broadcasts. */
  readonly topics: readonly string[];
}

export interface RateLimit {
  readonly max: number;
  readonly perMs: number;
  readonly scope: "process" | "installation";
}

/** The first word of every topic of an event queue: its name, without `events.` before it. */
export function topicBase(queueName: string): string {
  return queueName.startsWith("events.") ? queueName.slice("events.".length) : queueName;
}

/** What the event's groups are matched against: `<base>.<type>`, such as `user-events.user.registered`. */
export function topicOf(queueName: string, type: string): string {
  return `${topicBase(queueName)}.${type}`;
}
