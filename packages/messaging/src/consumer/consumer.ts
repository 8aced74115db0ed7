import type { Clock } from "../clock.ts";
import { longestTimerMs } from "../duration.ts";
import type { MessagingLog } from "../log.ts";
import type { Message } from "../message.ts";
import type { Delivery } from "../provider.ts";
import type { Queue } from "../queue-definition.ts";
import type { Reporter } from "../reports.ts";
import type { Tracing } from "../tracing.ts";
import type { ConsumerCounts } from "./counts.ts";
import type { DeliveryPort, Incoming, Intake } from "./incoming.ts";
import type { RateLimiter } from "./rate-limiter.ts";
import type { SoloGate } from "./solo-gate.ts";
import { createSettler, type Settler } from "./settle.ts";

/** Handles the deliveries of one subscription; the same for every provider. */
export interface Consumer<T extends Incoming> {
  /** Takes a delivery whose lease is held; it starts when a slot is free. */
  readonly receive: (delivery: T) => void;
  /** Deliveries in a handler now. */
  readonly active: number;
  /** Leases were lost: slots of deliveries that nobody will settle become free. */
  readonly lost: () => void;
  /** The intake has something to start. */
  readonly wake: () => void;
  readonly pause: () => void;
  readonly resume: () => void;
  /**
   * Nothing more will be received: handlers end, and what waits is begun for half of `deadlineMs`, then released.
   * Resolves at the deadline at the latest.
   */
  readonly drain: (deadlineMs: number) => Promise<void>;
  /**
   * Begins nothing more, and gives nothing back; resolves when what runs is settled, `deadlineMs` at most. Until `resume`.
   */
  readonly quiet: (deadlineMs: number) => Promise<void>;
  /** Manual mode: true when it was settled, false when the lease was lost or it isn't one of ours. */
  readonly settleByHand: (delivery: Delivery, error: unknown) => boolean;
  /** Manual mode: deliveries of this message that are held. */
  readonly heldOf: (messageId: string) => Delivery[];
}

export interface ConsumerOptions<T extends Incoming> {
  queue: Queue;
  group: string;
  concurrency: number;
  parse: ((payload: unknown) => unknown) | undefined;
  intake: Intake<T>;
  port: DeliveryPort<T>;
  gate: SoloGate;
  limiter: RateLimiter | null;
  reporter: Reporter | null;
  counts: ConsumerCounts;
  tracing: { with: Tracing; system: string } | null;
  clock: Clock;
  random: () => number;
  log: MessagingLog;
}

/** What both kinds of consumers are built on: when the next may start, and how all of it ends. */
export interface Flow<T extends Incoming> {
  readonly settler: Settler<T>;
  /** Takes in a delivery whose lease is held. */
  readonly receive: (delivery: T) => void;
  /** Starts what may start. */
  readonly pump: () => void;
  /** The next delivery that may start now, its gate entered; undefined: nothing may. */
  readonly next: () => T | undefined;
  /** A handler ended that `next` let in. */
  readonly ended: (delivery: T) => void;
  readonly active: number;
  readonly stopping: boolean;
  readonly pause: () => void;
  readonly resume: () => void;
  readonly drain: (deadlineMs: number) => Promise<void>;
  readonly quiet: (deadlineMs: number) => Promise<void>;
  /** Mentions that a delivery is being handled, where the queue is tracked. */
  readonly mention: (delivery: T) => void;
}

/** `fill` is called to start what may start; it calls `next` until that gives nothing. */
export function createFlow<T extends Incoming>(options: ConsumerOptions<T>, fill: () => void): Flow<T> {
  const { queue, group, concurrency, intake, port, gate, limiter, reporter, counts, clock, log } = options;
  let running = 0;
  let pumping = false;
  let paused = false;
  let stopping = false;
  /** Taken from the intake, and not let in yet. */
  let atDoor: T | undefined;
  let paid = false;
  let wakeAt: NodeJS.Timeout | null = null;
  let onIdle: (() => void) | null = null;
  let onQuiet: (() => void) | null = null;

  const settler = createSettler<T>({ ...options, onChange: () => pump() });

  function pump(): void {
    if (pumping) return;
    pumping = true;
    fill();
    pumping = false;
    if (onIdle !== null && isIdle()) onIdle();
    if (onQuiet !== null && isQuiet()) onQuiet();
  }

  function isQuiet(): boolean {
    return running === 0 && settler.settling === 0;
  }

  function isIdle(): boolean {
    return isQuiet() && atDoor === undefined && intake.size === 0;
  }

  function next(): T | undefined {
    if (paused || stopping || settler.refused) {
      // Whoever takes nothing mustn't keep others waiting for its turn to be alone.
      gate.forget(pump);
      return undefined;
    }
    while (running < concurrency) {
      const delivery = atDoor ?? intake.next();
      atDoor = undefined;
      if (delivery === undefined) return undefined;
      if (delivery.lease.signal.aborted) {
        gate.forget(pump);
        continue;
      }
      if (delivery.unfit !== null) {
        settler.settle(delivery, { kind: "dead", ...delivery.unfit }, 0);
        continue;
      }
      if (mayStart(delivery)) {
        running += 1;
        paid = false;
        return delivery;
      }
      atDoor = delivery;
      return undefined;
    }
    return undefined;
  }

  function mayStart(delivery: T): boolean {
    if (limiter !== null && !paid) {
      const waitMs = limiter.take();
      if (waitMs > 0) {
        wakeAt ??= setTimeout(
          () => {
            wakeAt = null;
            pump();
          },
          Math.min(waitMs, longestTimerMs),
        );
        return false;
      }
      paid = true;
    }
    return delivery.redeliveries > 0 ? gate.enterAlone(pump, delivery) : gate.enter(pump);
  }

  function releaseWaiting(): void {
    gate.forget(pump);
    const waiting = atDoor;
    atDoor = undefined;
    if (waiting !== undefined) port.release(waiting);
    for (const one of intake.takeAll()) port.release(one);
  }

  return {
    settler,
    receive: (delivery) => {
      counts.received.inc();
      if (delivery.redeliveries > 0) counts.redelivered.inc();
      intake.add(delivery);
      pump();
    },
    pump,
    next,
    ended: (delivery) => {
      running -= 1;
      gate.leave(delivery);
      pump();
    },
    get active() {
      return running;
    },
    get stopping() {
      return stopping;
    },
    pause: () => void (paused = true),
    resume: () => {
      paused = false;
      pump();
    },
    drain: async (longMs) => {
      const deadlineMs = Math.min(longMs, longestTimerMs);
      const { promise: idle, resolve } = Promise.withResolvers<void>();
      onIdle = resolve;
      paused = false;
      pump();
      const half = setTimeout(() => {
        stopping = true;
        releaseWaiting();
        if (isIdle()) resolve();
      }, deadlineMs / 2);
      const late = setTimeout(resolve, deadlineMs);
      await idle;
      clearTimeout(half);
      clearTimeout(late);
      if (wakeAt !== null) clearTimeout(wakeAt);
      stopping = true;
      releaseWaiting();
      if (running > 0)
        log.warn(
          { queue: queue.name, group, active: running },
          "handlers didn't end in time; their deliveries come again elsewhere",
        );
    },
    quiet: async (deadlineMs) => {
      paused = true;
      gate.forget(pump);
      if (isQuiet()) return;
      const { promise, resolve } = Promise.withResolvers<void>();
      onQuiet = resolve;
      const late = setTimeout(resolve, Math.min(deadlineMs, longestTimerMs));
      await promise;
      clearTimeout(late);
      onQuiet = null;
    },
    mention: (delivery) => {
      reporter?.mention({
        messageId: delivery.message.id,
        queue: queue.name,
        group,
        companyId: delivery.message.companyId,
        status: "processing",
        attempt: delivery.attempt,
        at: clock.now().toISOString(),
      });
    },
  };
}

/** The message with its payload as `parse` shapes it. */
export function parsed(message: Message, parse: ((payload: unknown) => unknown) | undefined): Message {
  return parse === undefined ? message : { ...message, payload: parse(message.payload) };
}
