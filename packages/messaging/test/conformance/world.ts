import { eventually } from "@fleetwire/testbed";
import type { Registry } from "prom-client";
import type { DeadLetter, Delivery, QueueDefinition, QueueProvider, Tracing } from "../../src/index.ts";

/** What a provider's own test brings: everything else is the same for each of them. */
export interface Harness {
  readonly name: string;
  /**
   * A provider as another process would have it: its own connections, the same queues. It is closed after the test.
   * All of them have a size limit of 64 KiB and give a delivery up after 3 redeliveries.
   */
  open(options?: { tracing?: Tracing; metrics?: Registry }): Promise<QueueProvider>;
  /** Ends every provider that is open. */
  closeAll(): Promise<void>;
  /** As kill -9 would end the process of this provider: its connections are cut, nothing is told. */
  crash(provider: QueueProvider): Promise<void>;
  /** Stops the server or servers in order, and starts them again. */
  restart(): Promise<void>;
}

let names = 0;

/** A queue that no other test has: a task queue for one group, `workers`, unless told otherwise. */
export function uniqueQueue(changes: Partial<QueueDefinition> = {}): QueueDefinition {
  names += 1;
  return { name: `tasks.t${names}`, kind: "task", groups: ["workers"], ...changes };
}

/** Collects what a handler gets, and waits for it. */
export function collector<T = Delivery>() {
  const items: T[] = [];
  return {
    items,
    take: (item: T): void => void items.push(item),
    /** Waits until there are so many. */
    atLeast: async (count: number, deadlineMs = 15_000): Promise<readonly T[]> => {
      await eventually(() => items.length >= count, { deadlineMs, what: `${count} deliveries` });
      return items;
    },
  };
}

/** Dead letters of one queue, as they come. */
export async function deadLettersOf(provider: QueueProvider, queue: string) {
  const found = collector<DeadLetter>();
  await provider.consumeDeadLetters((letter) => {
    if (letter.queue === queue) found.take(letter);
  });
  return found;
}

const deadlineMs = 15_000;

/** Waits for a condition with this suite's deadline. */
export function until<T>(
  what: string,
  condition: () => T | false | undefined | null | Promise<T | false | undefined | null>,
): Promise<T> {
  return eventually(condition, { deadlineMs, what });
}

/** A promise that a test resolves when a handler may go on. */
export function gate() {
  const { promise, resolve } = Promise.withResolvers<void>();
  return { opened: promise, open: resolve };
}
