import type { ConfirmChannel, Message as ReturnedMessage } from "amqplib";
import type { Clock } from "../clock.ts";
import { MessagingError } from "../errors.ts";
import type { MessagingLog } from "../log.ts";
import type { BrokerConnection } from "./connection.ts";
import { manageChannel, openConfirm } from "./managed-channel.ts";
import type { RabbitMQMetrics } from "./metrics.ts";
import type { RabbitMQTuning } from "./options.ts";
import { gatherWrites, type WriteGatherer } from "./socket.ts";
import { Entry, lateError, refusalOf, type Batch, type Outgoing } from "./publish-entry.ts";

/** Publishes with confirms: bounded, with deadlines, across reconnections. */
export interface Publisher {
  /**
   * Resolves when the broker has confirmed it.
   * @throws MessagingError `unroutable`, `publish_refused`, `publish_timeout`, `publish_unconfirmed`, `buffer_full`, `closed`.
   */
  publish(message: Outgoing, deadlineMs: number): Promise<void>;
  /** Resolves when all are confirmed; rejects with the first failure once all have ended. */
  publishAll(messages: readonly Outgoing[], deadlineMs: number): Promise<void>;
  readonly ready: boolean;
  /** Resolves when it can publish for the first time. @throws MessagingError `closed` */
  readonly started: Promise<void>;
  /** Waits for what is under way, `deadlineMs` at most; takes nothing new. */
  close(deadlineMs: number): Promise<void>;
}

const sweepMs = 100;
const fewUnconfirmed = 4;
const longestRefusalPauseMs = 1_000;

export function createPublisher(options: {
  connection: BrokerConnection;
  tuning: RabbitMQTuning;
  metrics: RabbitMQMetrics;
  clock: Clock;
  log: MessagingLog;
}): Publisher {
  const { connection, tuning, metrics, clock, log } = options;
  /** Waits to be sent, in order; from `head` on. */
  let waiting: Entry[] = [];
  let head = 0;
  let waitingBytes = 0;
  /** Sent, waits for its confirm. */
  const unconfirmed = new Set<Entry>();
  /** Refused a moment ago; sent again after a pause. */
  const pausing = new Set<Entry>();
  let channel: ConfirmChannel | undefined;
  let writes: WriteGatherer | undefined;
  let blocked = false;
  let closing = false;
  /** Sent on this channel, and given up unconfirmed. */
  let abandoned = 0;
  let sweeper: NodeJS.Timeout | undefined;
  let onIdle: (() => void) | undefined;
  const started = Promise.withResolvers<void>();
  started.promise.catch(() => {}); // nobody may ask

  const managed = manageChannel<ConfirmChannel>({
    connection,
    name: "publish",
    open: openConfirm,
    setUp: async (opened) => {
      // Asks for an answer: a channel that was closed as it opened gives none.
      await opened.prefetch(0);
      opened.on("return", returned);
      opened.on("drain", send);
      channel = opened;
      abandoned = 0;
      writes = connection.model === undefined ? undefined : gatherWrites(connection.model);
      send();
      started.resolve();
    },
    lost: (gone, error) => {
      if (channel === gone) channel = undefined;
      // Whether they were stored is unknown: they are sent again, with the same ids, before what came later.
      const sent = [...unconfirmed].filter((entry) => entry.channel === gone);
      for (const entry of sent) {
        unconfirmed.delete(entry);
        entry.channel = undefined;
      }
      for (const entry of sent) {
        const refusal = refusalOf(error, entry);
        if (refusal !== null) end(entry, refusal);
      }
      const again = sent.filter((entry) => !entry.ended);
      if (again.length > 0) {
        waiting = [...again, ...waiting.slice(head)];
        head = 0;
        for (const entry of again) waitingBytes += entry.message.body.length;
      }
    },
    log,
  });
  const offBlocked = connection.onBlocked((now) => {
    blocked = now;
    if (!now) send();
  });

  function enqueue(message: Outgoing, deadlineMs: number, now: number, batch: Batch): void {
    const entry = new Entry(message, now, now + deadlineMs, batch);
    waiting.push(entry);
    waitingBytes += message.body.length;
  }

  function roomFor(messages: readonly Outgoing[]): MessagingError | null {
    if (closing) return new MessagingError("closed", "the provider is closed");
    const count = waiting.length - head + pausing.size;
    let bytes = waitingBytes;
    for (const { body } of messages) bytes += body.length;
    const canGo = channel !== undefined && !blocked && count === 0;
    if (canGo || (count + messages.length <= tuning.maxBuffered && bytes <= tuning.maxBufferedBytes)) return null;
    return new MessagingError(
      "buffer_full",
      `${count} publishes wait for RabbitMQ already${connection.problem === undefined ? "" : `: ${connection.problem.message}`}`,
    );
  }

  function send(): void {
    while (head < waiting.length && mayTake()) {
      const entry = waiting[head];
      head += 1;
      if (entry === undefined || channel === undefined) break;
      waitingBytes -= entry.message.body.length;
      if (entry.ended) continue;
      if (!sendOne(channel, entry)) break;
    }
    if (head === waiting.length) {
      waiting = [];
      head = 0;
    } else if (head > 1_024) {
      waiting = waiting.slice(head);
      head = 0;
    }
    if (sweeper === undefined && (unconfirmed.size > 0 || waiting.length > 0 || pausing.size > 0)) {
      sweeper = setInterval(sweep, sweepMs);
      sweeper.unref();
    }
  }

  function mayTake(): boolean {
    return channel !== undefined && !blocked && unconfirmed.size < tuning.maxUnconfirmed;
  }

  /** False when the channel takes no more for now: `drain` follows. */
  function sendOne(on: ConfirmChannel, entry: Entry): boolean {
    const { exchange, routingKey, body, properties } = entry.message;
    entry.channel = on;
    entry.wasReturned = false;
    unconfirmed.add(entry);
    // Alone, it goes at once.
    if (unconfirmed.size > fewUnconfirmed) writes?.gather();
    try {
      const takesMore = on.publish(exchange, routingKey, body, properties, (error: unknown) =>
        confirmed(entry, on, error),
      );
      entry.wasSent = true;
      return takesMore;
    } catch (cause) {
      unconfirmed.delete(entry);
      entry.channel = undefined;
      // A channel that closes just now, and is replaced; else the message itself has no encoding.
      if (cause instanceof Error && cause.name === "IllegalOperationError") {
        head -= 1;
        waitingBytes += body.length;
        return false;
      }
      const words = cause instanceof Error ? cause.message : "it has no encoding";
      end(entry, new MessagingError("invalid_message", `it can't be sent: ${words}`, { cause }));
      return true;
    }
  }

  function confirmed(entry: Entry, on: ConfirmChannel, error: unknown): void {
    // amqplib calls back for a lost channel too, before it says that it is lost: `lost` looks after those.
    if (entry.channel !== on || channel !== on || isChannelLoss(error)) return;
    unconfirmed.delete(entry);
    entry.channel = undefined;
    if (entry.ended) {
      abandoned = Math.max(0, abandoned - 1);
      send();
      return;
    }
    if (error !== null && error !== undefined) {
      refused(entry);
    } else if (entry.wasReturned && !entry.message.mayBeUnrouted) {
      end(
        entry,
        new MessagingError(
          "unroutable",
          `no queue takes messages from exchange "${entry.message.exchange}" by "${entry.message.routingKey}": was the queue declared?`,
        ),
      );
    } else {
      metrics.published.inc();
      metrics.publishLatency.observe((clock.monotonicMs() - entry.beganAt) / 1_000);
      end(entry, null);
    }
    if (waiting.length > 0) send();
  }

  /**
   * A full queue, or a node that fails: worth another try until the deadline. Where several groups get it, the others may
   * have taken it, and would take each try: one more, for a node that fails.
   */
  function refused(entry: Entry): void {
    metrics.publishRefused.inc();
    entry.refusals += 1;
    if (entry.message.isShared && entry.refusals > 1) {
      end(entry, lateError(entry, trouble()));
      return;
    }
    pausing.add(entry);
    const timer = setTimeout(
      () => {
        pausing.delete(entry);
        if (entry.ended) return;
        waiting.push(entry);
        waitingBytes += entry.message.body.length;
        send();
      },
      entry.message.isShared ? longestRefusalPauseMs : Math.min(20 * 2 ** entry.refusals, longestRefusalPauseMs),
    );
    timer.unref();
  }

  function returned(message: ReturnedMessage): void {
    metrics.returned.inc();
    const id: unknown = message.properties.messageId;
    for (const entry of unconfirmed) {
      const { properties, routingKey } = entry.message;
      if (entry.wasReturned || properties.messageId !== id || routingKey !== message.fields.routingKey) continue;
      entry.wasReturned = true;
      return;
    }
  }

  function sweep(): void {
    const now = clock.monotonicMs();
    for (const entry of unconfirmed) {
      if (entry.deadlineAt > now) continue;
      end(entry, lateError(entry, trouble()));
      // It makes room: one queue that doesn't confirm must not hold up the others.
      unconfirmed.delete(entry);
      abandoned += 1;
    }
    if (abandoned > tuning.maxUnconfirmed) {
      abandoned = 0;
      log.warn({ connection: "publish" }, "the broker leaves too many publishes unconfirmed; opening another channel");
      managed.reopen();
    }
    for (const entry of pausing) if (entry.deadlineAt <= now) end(entry, lateError(entry, trouble()));
    for (let at = head; at < waiting.length; at++) {
      const entry = waiting[at];
      if (entry !== undefined && !entry.ended && entry.deadlineAt <= now) end(entry, lateError(entry, trouble()));
    }
    if (waiting.some((entry) => entry.ended)) {
      waiting = waiting.slice(head).filter((entry) => !entry.ended);
      head = 0;
      waitingBytes = waiting.reduce((sum, { message }) => sum + message.body.length, 0);
    }
    if (waiting.length > head) send();
    metrics.unconfirmed.set(unconfirmed.size);
    metrics.buffered.set(waiting.length - head + pausing.size);
    if (unconfirmed.size > 0 || head < waiting.length || pausing.size > 0) return;
    clearInterval(sweeper);
    sweeper = undefined;
  }

  function trouble(): string {
    if (connection.problem !== undefined) return `: ${connection.problem.message}`;
    return blocked ? "; the broker takes no messages (memory or disk)" : "";
  }

  function end(entry: Entry, error: MessagingError | null): void {
    if (entry.ended) return;
    entry.ended = true;
    const { batch } = entry;
    batch.left -= 1;
    batch.error ??= error;
    if (batch.left === 0) {
      if (batch.error === null) batch.resolve();
      else batch.reject(batch.error);
    }
    if (onIdle !== undefined && isIdle()) onIdle();
  }

  function isIdle(): boolean {
    for (const entry of unconfirmed) if (!entry.ended) return false;
    for (const entry of pausing) if (!entry.ended) return false;
    for (let at = head; at < waiting.length; at++) if (waiting[at]?.ended === false) return false;
    return true;
  }

  function publishAll(messages: readonly Outgoing[], deadlineMs: number): Promise<void> {
    if (messages.length === 0) return Promise.resolve();
    const full = roomFor(messages);
    if (full !== null) return Promise.reject(full);
    return new Promise<void>((resolve, reject) => {
      const batch: Batch = { left: messages.length, error: null, resolve, reject };
      const now = clock.monotonicMs();
      for (const message of messages) enqueue(message, deadlineMs, now, batch);
      send();
    });
  }

  return {
    publish: (message, deadlineMs) => publishAll([message], deadlineMs),
    publishAll,
    started: started.promise,
    get ready() {
      return channel !== undefined && !blocked;
    },
    close: async (deadlineMs) => {
      closing = true;
      started.reject(new MessagingError("closed", "the provider was closed"));
      if (!isIdle()) {
        const { promise, resolve } = Promise.withResolvers<void>();
        onIdle = resolve;
        const timer = setTimeout(resolve, deadlineMs);
        await promise;
        clearTimeout(timer);
      }
      offBlocked();
      clearInterval(sweeper);
      const left = [...unconfirmed, ...pausing, ...waiting.slice(head)];
      for (const entry of left)
        end(
          entry,
          entry.wasSent
            ? lateError(entry, trouble())
            : new MessagingError("closed", "the provider was closed before the message was sent"),
        );
      await managed.close();
    },
  };
}

function isChannelLoss(error: unknown): boolean {
  return error instanceof Error && error.message === "channel closed";
}
