import { MessagingError } from "../errors.ts";
import { newMessageId, type NewMessage } from "../message.ts";
import type { BatchHandler, Delivery, Handler, QueueProvider } from "../provider.ts";
import { throwDice } from "./dice.ts";

/** How often and how hard; chances are from 0 to 1, times in milliseconds. */
export interface Faults {
  /** The same seed makes the same faults in the same order. */
  seed: number;
  /** Before each publish and before each handler. */
  latency?: { minMs: number; maxMs: number };
  publish?: {
    /** Fails before anything is sent: `publish_timeout`. */
    lost?: number;
    /** Is stored, and fails all the same: `publish_unconfirmed`. Whoever publishes again makes a duplicate. */
    unconfirmed?: number;
    /** Is published twice with one id. */
    duplicated?: number;
  };
  handle?: {
    /** Fails before the handler has run. */
    before?: number;
    /** Fails after the handler has run: its effects happened, and it comes again. */
    after?: number;
  };
  /** Every other operation (stats, health, purge …) fails: `unreachable`. */
  operations?: number;
}

export type FaultKind = "lost" | "unconfirmed" | "duplicated" | "before" | "after" | "operation";

/** A fault that was made. */
export interface MadeFault {
  readonly kind: FaultKind;
  readonly queue: string;
  /** Of this queue and kind of operation, the how manieth it was. */
  readonly n: number;
}

/** A provider that fails by chance. */
export interface FaultyProvider extends QueueProvider {
  /** What was made so far. */
  readonly made: readonly MadeFault[];
  /** Changes how often from now on; `{}` stops all of it. */
  setFaults(faults: Omit<Faults, "seed">): void;
}

/** Thrown into the place of a handler's outcome. */
export class InjectedError extends Error {
  override readonly name = "InjectedError";
}

/** The provider, with latency and errors that a seed decides. The provider behind it is a real one. */
export function withFaults(provider: QueueProvider, faults: Faults): FaultyProvider {
  const { seed } = faults;
  let current: Omit<Faults, "seed"> = faults;
  const made: MadeFault[] = [];
  const counts = new Map<string, number>();

  function count(operation: string, queue: string): number {
    const key = `${operation}/${queue}`;
    const n = (counts.get(key) ?? 0) + 1;
    counts.set(key, n);
    return n;
  }

  function strikes(kind: FaultKind, chance: number | undefined, queue: string, n: number): boolean {
    if (chance === undefined || throwDice(seed, `${kind}/${queue}`, n) >= chance) return false;
    made.push({ kind, queue, n });
    return true;
  }

  async function wait(operation: string, queue: string, n: number): Promise<void> {
    const { latency } = current;
    if (latency === undefined) return;
    const ms = latency.minMs + throwDice(seed, `latency/${operation}/${queue}`, n) * (latency.maxMs - latency.minMs);
    await new Promise((resolve) => setTimeout(resolve, ms));
  }

  async function publishing(queue: string, publish: () => Promise<void>): Promise<void> {
    const n = count("publish", queue);
    await wait("publish", queue, n);
    const chances = current.publish ?? {};
    if (strikes("lost", chances.lost, queue, n))
      throw new MessagingError("publish_timeout", "injected: the message was never sent");
    await publish();
    if (strikes("duplicated", chances.duplicated, queue, n)) await publish();
    if (strikes("unconfirmed", chances.unconfirmed, queue, n)) {
      throw new MessagingError("publish_unconfirmed", "injected: the confirm was lost; the message is stored");
    }
  }

  async function handling<T>(queue: string, handle: () => T | Promise<T>): Promise<T> {
    const n = count("handle", queue);
    await wait("handle", queue, n);
    const chances = current.handle ?? {};
    if (strikes("before", chances.before, queue, n)) throw new InjectedError("before the handler");
    const result = await handle();
    if (strikes("after", chances.after, queue, n)) throw new InjectedError("after the handler");
    return result;
  }

  async function operating<T>(queue: string, operate: () => Promise<T>): Promise<T> {
    const n = count("operation", queue);
    if (strikes("operation", current.operations, queue, n))
      throw new MessagingError("unreachable", "injected: the server can't be reached");
    return operate();
  }

  return {
    capabilities: provider.capabilities,
    made,
    setFaults: (next) => void (current = next),
    initialize: () => provider.initialize(),
    declare: (queue) => operating(queue.name, () => provider.declare(queue)),
    publish: (queue, message, options) => {
      const same = withId(message);
      return publishing(queue, () => provider.publish(queue, same, options));
    },
    publishBatch: (queue, messages, options) => {
      const same = messages.map(withId);
      return publishing(queue, () => provider.publishBatch(queue, same, options));
    },
    subscribe: <P>(queue: string, handler: Handler<P>, options: Parameters<QueueProvider["subscribe"]>[2]) =>
      provider.subscribe(
        queue,
        // oxlint-disable-next-line typescript/no-unsafe-type-assertion -- the same delivery, handed on
        options.mode === "manual"
          ? (handler as Handler)
          : (delivery) => handling(queue, () => handler(delivery as Delivery<P>)),
        options,
      ),
    subscribeBatch: <P>(
      queue: string,
      handler: BatchHandler<P>,
      options: Parameters<QueueProvider["subscribeBatch"]>[2],
    ) =>
      // oxlint-disable-next-line typescript/no-unsafe-type-assertion -- as above
      provider.subscribeBatch(
        queue,
        (deliveries) => handling(queue, () => handler(deliveries as readonly Delivery<P>[])),
        options,
      ),
    acknowledge: (delivery) => provider.acknowledge(delivery),
    reject: (delivery, error) => provider.reject(delivery, error),
    getQueueStats: (queue) => operating(queue, () => provider.getQueueStats(queue)),
    healthCheck: () => operating("", () => provider.healthCheck()).catch(() => false),
    consumeDeadLetters: (handler) => provider.consumeDeadLetters(handler),
    countDeadLetters: () => operating("", () => provider.countDeadLetters()),
    purgeDeadLetters: () => operating("", () => provider.purgeDeadLetters()),
    pause: (queue, group) => operating(queue, () => provider.pause(queue, group)),
    resume: (queue, group) => operating(queue, () => provider.resume(queue, group)),
    purge: (queue, group) => operating(queue, () => provider.purge(queue, group)),
    close: (options) => provider.close(options),
  };
}

/** A duplicate has the same id. */
function withId(message: NewMessage): NewMessage {
  return message.id === undefined && message.idempotencyKey === undefined
    ? { ...message, id: newMessageId() }
    : message;
}
