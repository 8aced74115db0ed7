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
  #own: { controller: AbortController; onLost: () => void } | undefined;

  constructor(incoming: Incoming, message: Message<P>, queue: string, group: string) {
    this.message = message;
    this.queue = queue;
    this.group = group;
    this.attempt = incoming.attempt;
    this.redeliveries = incoming.redeliveries;
    this.#incoming = incoming;
  }

  /** Its own, made when it is asked for: a lease is shared, and would keep the listeners of all that are long done. */
  get signal(): AbortSignal {
    const { lease } = this.#incoming;
    if (this.#own === undefined) {
      const controller = new AbortController();
      const onLost = (): void => controller.abort(lease.signal.reason);
      if (lease.signal.aborted) onLost();
      else lease.signal.addEventListener("abort", onLost, { once: true });
      this.#own = { controller, onLost };
    }
    return this.#own.controller.signal;
  }

  /** A function of its own, so that a handler may take it out of the delivery. */
  get extend(): () => Promise<void> {
    const { lease } = this.#incoming;
    return () => lease.extend();
  }

  /** Its handler has ended: what becomes of the lease concerns it no more. */
  ended(): void {
    if (this.#own !== undefined) this.#incoming.lease.signal.removeEventListener("abort", this.#own.onLost);
  }
}
