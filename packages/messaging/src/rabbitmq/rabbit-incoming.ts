import type { ConsumeMessage } from "amqplib";
import type { Incoming, Lease } from "../consumer/incoming.ts";
import { MessagingError } from "../errors.ts";
import type { Message } from "../message.ts";
import type { ChannelLease } from "./channel-lease.ts";
import type { Decoded } from "./codec.ts";

/** A delivery of RabbitMQ; its lease is its channel's. */
export class RabbitIncoming implements Incoming, Lease {
  readonly raw: ConsumeMessage;
  readonly channel: ChannelLease;
  /** The queue at the broker that it came from. */
  readonly physical: string;
  readonly message: Message;
  unfit: Incoming["unfit"];
  readonly #decodedUnfit: Incoming["unfit"];
  readonly redeliveries: number;
  readonly maxRetries: number | null;
  readonly trace: Incoming["trace"];
  /** What is left of a delay that is longer than the last rung's. */
  readonly delayLeftMs: number;
  readonly receivedAtMs: number;
  /** When the broker takes it back. */
  readonly #endsAtMs: number;
  readonly #now: () => number;
  /** Rises in this process alone, where an ordered queue retries in place. */
  attempt: number;

  constructor(of: {
    raw: ConsumeMessage;
    channel: ChannelLease;
    physical: string;
    decoded: Decoded;
    unfit: Incoming["unfit"];
    redeliveries: number;
    consumerTimeoutMs: number;
    now: () => number;
  }) {
    this.raw = of.raw;
    this.channel = of.channel;
    this.physical = of.physical;
    this.message = of.decoded.message;
    this.unfit = of.unfit;
    this.#decodedUnfit = of.decoded.unfit;
    this.attempt = of.decoded.attempt;
    this.redeliveries = of.redeliveries;
    this.maxRetries = of.decoded.maxRetries;
    this.trace = of.decoded.trace;
    this.delayLeftMs = of.decoded.delayLeftMs;
    this.#now = of.now;
    this.receivedAtMs = of.now();
    this.#endsAtMs = this.receivedAtMs + of.consumerTimeoutMs;
  }

  get lease(): Lease {
    return this;
  }

  get signal(): AbortSignal {
    return this.channel.signal;
  }

  /** How often it came back isn't its own doing. */
  excuse(): void {
    this.unfit = this.#decodedUnfit;
  }

  /** Milliseconds until the broker takes it back. */
  get leftMs(): number {
    return this.#endsAtMs - this.#now();
  }

  async extend(): Promise<void> {
    if (this.signal.aborted) throw new MessagingError("lease_lost", "the delivery belongs to somebody else by now");
    if (this.leftMs <= 0)
      throw new MessagingError(
        "lease_lost",
        "the broker's consumer timeout is over: no delivery may be held for longer",
      );
  }
}
