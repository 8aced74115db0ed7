import type { Message } from "../message.ts";
import type { Delivery } from "../provider.ts";
import type { Incoming } from "./incoming.ts";

/** What a handler gets of an incoming delivery: nothing of the transport. */
export class HeldDelivery<P> implements Delivery<P> {
  readonly message: Message<P>;
  readonly queue: string;
  readonly group: string;
  readonly attempt: number;
  readonly redeliveries: number;
  readonly #incoming: Incoming;

  constructor(incoming: Incoming, message: Message<P>, queue: string, group: string) {
    this.message = message;
    this.queue = queue;
    this.group = group;
    this.attempt = incoming.attempt;
    this.redeliveries = incoming.redeliveries;
    this.#incoming = incoming;
  }

  get signal(): AbortSignal {
    return this.#incoming.lease.signal;
  }

  /** Bound: handlers take their delivery apart. */
  get extend(): () => Promise<void> {
    const { lease } = this.#incoming;
    return () => lease.extend();
  }
}
