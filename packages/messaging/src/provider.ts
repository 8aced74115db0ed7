import type { Duration } from "./duration.ts";
import type { Message, NewMessage } from "./message.ts";
import type { DeadLetterReason, Reject, Retry } from "./outcome.ts";
import type { QueueDefinition } from "./queue-definition.ts";

/** How a provider keeps a guarantee. `gateway`: the queue gateway gives it on top of this provider. */
export type Keeping = "native" | "process" | "gateway" | "refused";

/** What a provider can do beyond the common core; the same words as in the guarantee table. */
export interface Capabilities {
  readonly provider: string;
  /** Four bands by which nothing starves. */
  readonly priorityBands: Keeping;
  readonly nativePriority: Keeping;
  readonly ordered: Keeping;
  /** `publish` with `delay`. */
  readonly delay: Keeping;
  readonly cancelScheduled: Keeping;
  readonly rateLimitPerProcess: Keeping;
  readonly rateLimitAcrossProcesses: Keeping;
  /** A repeated id within a window is dropped. */
  readonly dedupe: Keeping;
  readonly pauseAcrossProcesses: Keeping;
  readonly listDeadLetters: Keeping;
  readonly replayDeadLetters: Keeping;
  /** Broadcasts without a group reach those who listen. */
  readonly liveBroadcast: Keeping;
  /** Publishing inside the caller's database transaction. */
  readonly transactionalPublish: Keeping;
  /** The longest that one delivery may be handled, in milliseconds; null: no limit. */
  readonly longestLeaseMs: number | null;
}

/** How a message is published; durations are milliseconds, or texts such as `30s`. */
export interface PublishOptions {
  /** How long publishing may take until it fails; default 10 s. */
  deadline?: Duration;
  /** How long the message may wait to be handled; then it is a dead letter (`expired`). */
  ttl?: Duration;
  /** Not delivered before. At most 30 days. */
  delay?: Duration;
  /** Instead of the queue's own. */
  maxRetries?: number;
  /** To this group alone: what a replay is. */
  group?: string;
}

/** One message handed to one group. */
export interface Delivery<P = unknown> {
  readonly message: Message<P>;
  readonly queue: string;
  readonly group: string;
  /** 1 is the first. */
  readonly attempt: number;
  /** How often it came back without an outcome: its process or connection ended. Never counted as attempts. */
  readonly redeliveries: number;
  /** Aborts when the lease is lost: the delivery belongs to somebody else by then. */
  readonly signal: AbortSignal;
  /**
   * Keeps the lease for as long again as the queue says.
   * @throws MessagingError `lease_lost` when it is lost, or can't be kept any longer.
   */
  extend(): Promise<void>;
}

/**
 * Returning is done; throwing `Retry` or `Reject` says what else; any other error is retried as the queue's policy says.
 * It may run twice for one message: at least once is what every provider promises.
 */
export type Handler<P = unknown> = (delivery: Delivery<P>) => void | Promise<void>;

/**
 * Handles up to `size` deliveries at once. Returning nothing is done for all; an array says each one's outcome, by position:
 * undefined is done, `Reject` and `Retry` are what they are when thrown, and so is any other error. Throwing, or an array
 * of another length, goes for all of them.
 */
export type BatchHandler<P = unknown> = (
  deliveries: readonly Delivery<P>[],
) =>
  | void
  | readonly (Retry | Reject | Error | undefined)[]
  | Promise<void | readonly (Retry | Reject | Error | undefined)[]>;

/** How a group is consumed. */
export interface SubscribeOptions<P = unknown> {
  /** A declared group; only broadcasts can do without. */
  group?: string;
  /** Instead of the queue's own. */
  concurrency?: number;
  /** Deliveries held at most, those being handled included; default: the concurrency, at least 10. */
  prefetch?: number;
  /** Checks and shapes the payload; what it throws makes the delivery a dead letter (`invalid_payload`). */
  parse?: (payload: unknown) => P;
  /** `manual`: nothing happens when the handler returns; `acknowledge` or `reject` says what becomes of the delivery. */
  mode?: "automatic" | "manual";
}

/** As for one at a time; `concurrency` is calls side by side, by default 1. */
export interface BatchOptions<P = unknown> extends Omit<SubscribeOptions<P>, "mode"> {
  /** Deliveries of one call at most. */
  size: number;
  /** How long a smaller batch waits for more; default 5 ms. */
  wait?: Duration;
}

/** A consumer of this process. */
export interface Subscription {
  readonly queue: string;
  /** Undefined for a broadcast without one. */
  readonly group: string | undefined;
  /** Deliveries that are being handled now. */
  readonly active: number;
  /** Takes nothing new in this process. */
  pause(): Promise<void>;
  resume(): Promise<void>;
  /**
   * Takes nothing new, lets handlers end and gives back what wasn't begun. When `deadline` (default 30 s) is over, what
   * still runs loses its lease and is delivered again to somebody. Never rejects.
   */
  close(options?: { deadline?: Duration }): Promise<void>;
}

/** What waits in one group. */
export interface GroupStats {
  readonly group: string;
  /** Messages that wait to be delivered. */
  readonly ready: number;
  /** Null where the provider can't tell. */
  readonly active: number | null;
  readonly delayed: number | null;
  /** At the broker, of all processes; a subscription may have more than one. */
  readonly consumers: number;
}

/** What waits in a queue, by its groups. */
export interface QueueStats {
  readonly queue: string;
  readonly groups: readonly GroupStats[];
}

/** A delivery that nobody will handle, and why. */
export interface DeadLetter {
  readonly message: Message;
  /** The queue and group it failed in; null when the broker's record names none of ours. */
  readonly queue: string | null;
  readonly group: string | null;
  readonly reason: DeadLetterReason;
  readonly error: string;
  readonly attempt: number;
  /** The message as it came, for what can't be read as one of ours. */
  readonly body: Uint8Array;
}

/** What carries the queue. All of them keep the same promises where their capabilities say native. */
export interface QueueProvider {
  readonly capabilities: Capabilities;
  /** Connects. @throws MessagingError when that can't succeed: wrong credentials, no such host … */
  initialize(): Promise<void>;
  /**
   * Makes the queue and its groups, where they aren't there. A new group starts at now.
   * @throws MessagingError `invalid_definition`, `unsupported` or `queue_quarantined`.
   */
  declare(queue: QueueDefinition): Promise<void>;
  /** Resolves only when the provider has made it durable. @throws MessagingError */
  publish(queueName: string, message: NewMessage, options?: PublishOptions): Promise<void>;
  /** Resolves when all are durable. When it rejects, some of them may be. */
  publishBatch(queueName: string, messages: readonly NewMessage[], options?: PublishOptions): Promise<void>;
  /** @throws MessagingError `unknown_queue`, `unknown_group`, `queue_quarantined`. */
  subscribe<P = unknown>(queueName: string, handler: Handler<P>, options: SubscribeOptions<P>): Promise<Subscription>;
  subscribeBatch<P = unknown>(
    queueName: string,
    handler: BatchHandler<P>,
    options: BatchOptions<P>,
  ): Promise<Subscription>;
  /** Manual mode: it is done. By message id only while exactly one delivery held here has it. @throws `lease_lost` */
  acknowledge(delivery: Delivery | string): Promise<void>;
  /** Manual mode: `Reject` makes it a dead letter, `Retry` or anything else another attempt. @throws `lease_lost` */
  reject(delivery: Delivery | string, error?: unknown): Promise<void>;
  getQueueStats(queueName: string): Promise<QueueStats>;
  /** Whether it can publish and consume now. Never rejects. */
  healthCheck(): Promise<boolean>;
  /** Takes dead letters one at a time; returning removes one, throwing keeps it. */
  consumeDeadLetters(handler: (letter: DeadLetter) => void | Promise<void>): Promise<Subscription>;
  countDeadLetters(): Promise<number>;
  /** Removes all dead letters; gives how many. */
  purgeDeadLetters(): Promise<number>;
  /** Consumers of this process take nothing new from the queue, or from one group of it, until `resume`. */
  pause(queueName: string, group?: string): Promise<void>;
  resume(queueName: string, group?: string): Promise<void>;
  /** Removes what waits in the queue, or in one group of it; gives how many. */
  purge(queueName: string, group?: string): Promise<number>;
  /** Drains the consumers, waits for publishes under way, and disconnects; at most `deadline` (default 30 s). */
  close(options?: { deadline?: Duration }): Promise<void>;
}
