import type { Message } from "../message.ts";
import type { DeadLetterReason } from "../outcome.ts";

/** The right to settle deliveries; lost when the channel (or the time) is over. Deliveries may share one. */
export interface Lease {
  readonly signal: AbortSignal;
  extend(): Promise<void>;
}

/** A delivery as a provider hands it to the consumer runtime. */
export interface Incoming {
  readonly message: Message;
  /** Set where it isn't fit for a handler: straight to the dead letters. */
  readonly unfit: { readonly reason: DeadLetterReason; readonly error: string } | null;
  readonly attempt: number;
  readonly redeliveries: number;
  /** The message's own; null: the queue's. */
  readonly maxRetries: number | null;
  readonly lease: Lease;
  /** W3C trace headers as they came. */
  readonly trace: Readonly<Record<string, string>> | null;
}

/** Why a delivery wasn't done. */
export interface Failure {
  readonly error: string;
}

/**
 * What a provider does with a settled delivery. Each call is about a lease that was held a moment ago; when it is lost
 * meanwhile, nothing happens. Those that return a promise reject while the broker refuses, and are called again.
 */
export interface DeliveryPort<T extends Incoming> {
  complete(delivery: T): void | Promise<void>;
  retry(delivery: T, delayMs: number, failure: Failure): Promise<void>;
  deadLetter(delivery: T, reason: DeadLetterReason, failure: Failure): Promise<void>;
  /** Back to the queue, for anybody. */
  release(delivery: T): void;
}

/** Where deliveries wait until a slot is free. */
export interface Intake<T> {
  readonly size: number;
  readonly add: (delivery: T) => void;
  /** The next to start; undefined when none may. */
  readonly next: () => T | undefined;
  /** All that wait, taken out. */
  readonly takeAll: () => T[];
}

/** First in, first out, without moving what waits. */
export function createFifo<T>(): Intake<T> {
  let items: T[] = [];
  let head = 0;
  return {
    get size() {
      return items.length - head;
    },
    add: (item) => void items.push(item),
    next: () => {
      if (head === items.length) return undefined;
      const item = items[head];
      head += 1;
      if (head === items.length) {
        items = [];
        head = 0;
      } else if (head >= 1_024) {
        items = items.slice(head);
        head = 0;
      }
      return item;
    },
    takeAll: () => {
      const all = items.slice(head);
      items = [];
      head = 0;
      return all;
    },
  };
}
