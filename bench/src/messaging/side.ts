import type { QueueProvider, Subscription } from "@fleetwire/messaging";

/** One way to bring messages through a server: ours, or a bare client that has the server do the same work. */
export interface Side {
  readonly name: string;
  /** Resolves when the server has confirmed it. */
  publish(payload: unknown): Promise<void>;
  /** Consumes until it is closed; `handled` is called by the handler for each message. */
  consume(handled: () => void): Promise<{ close(): Promise<void> }>;
  /** Messages that wait to be delivered. */
  waiting(): Promise<number>;
  purge(): Promise<void>;
}

export interface OurSide extends Side {
  publishBatch(payloads: readonly unknown[]): Promise<void>;
}

/** Deliveries that a consumer holds at most, and that we handle at a time. */
export const prefetch = 100;
export const group = "workers";
export const messageType = "bench.message";

/** How our side consumes: one by one with a handler that does nothing, unless told otherwise. */
export type Subscribe = (provider: QueueProvider, queue: string, handled: () => void) => Promise<Subscription>;

const oneByOne: Subscribe = (provider, queue, handled) =>
  provider.subscribe(queue, handled, { group, concurrency: prefetch, prefetch });

/** Our side: a provider, and a queue that it has declared with the group `workers`. */
export function ourSide(provider: QueueProvider, queue: string, subscribe: Subscribe = oneByOne): OurSide {
  return {
    name: "ours",
    publish: (payload) => provider.publish(queue, { type: messageType, payload }),
    publishBatch: (payloads) =>
      provider.publishBatch(
        queue,
        payloads.map((payload) => ({ type: messageType, payload })),
      ),
    consume: (handled) => subscribe(provider, queue, handled),
    waiting: async () => (await provider.getQueueStats(queue)).groups.reduce((sum, { ready }) => sum + ready, 0),
    purge: async () => void (await provider.purge(queue)),
  };
}
