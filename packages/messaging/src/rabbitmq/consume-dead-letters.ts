import type { Channel, ConsumeMessage } from "amqplib";
import type { Subscription, DeadLetter } from "../provider.ts";
import type { Queue } from "../queue-definition.ts";
import { resolveQueue } from "../resolve-queue.ts";
import { atMost } from "./at-most.ts";
import { leaseOf, type ChannelLease } from "./channel-lease.ts";
import { readDeadLetter } from "./dead-letters.ts";
import { manageChannel, openPlain } from "./managed-channel.ts";
import { finalError } from "./queue-source.ts";
import { systemNames } from "./names.ts";
import { checkedDuration } from "./outgoing.ts";
import type { OpenSubscription, ProviderParts } from "./subscription.ts";
import { describeError } from "../errors.ts";

// Dead letters are read with the shape of any message: each version is understood, nothing expires.
const reader: Queue = {
  ...resolveQueue({ name: "dlq-reader", kind: "task", groups: ["reader"] }),
  versions: Array.from({ length: 1_000 }, (_, at) => at + 1),
};
const pauseMs = 1_000;

/** One dead letter at a time, in the order in which they became dead; one whose handler throws is offered again. */
export async function consumeDeadLetters(
  parts: ProviderParts,
  queues: () => readonly Queue[],
  handler: (letter: DeadLetter) => void | Promise<void>,
  added: (subscription: OpenSubscription) => void,
  removed: (subscription: OpenSubscription) => void,
): Promise<Subscription> {
  const { connection, prefix, metrics, log } = parts;
  const name = systemNames(prefix).deadLetters;
  let active = 0;
  let paused = false;
  let closing = false;
  let channel: Channel | undefined;
  let lease: ChannelLease | undefined;
  let tag: string | undefined;
  let onIdle: (() => void) | undefined;
  const started = Promise.withResolvers<void>();
  started.promise.catch(() => {}); // awaited below

  const managed = manageChannel<Channel>({
    connection,
    name: "dead letters",
    open: openPlain,
    setUp: async (opened) => {
      channel = opened;
      lease = leaseOf(opened, metrics, () => {});
      await opened.prefetch(1);
      if (!paused) await consume(opened, lease);
      started.resolve();
    },
    lost: (gone) => {
      if (channel !== gone) return;
      channel = undefined;
      lease?.lose();
      lease = undefined;
    },
    isFinal: (error) => {
      const final = finalError(error, name);
      if (final === null) return false;
      started.reject(final);
      log.error({ code: final.code, err: final.message }, "dead letters can't be consumed");
      return true;
    },
    log,
  });

  async function consume(on: Channel, itsLease: ChannelLease): Promise<void> {
    const { consumerTag } = await on.consume(name, (raw) => {
      if (raw === null) {
        managed.reopen();
        return;
      }
      itsLease.delivered(raw);
      void takeOne(raw, itsLease);
    });
    tag = consumerTag;
    if (paused) await on.cancel(consumerTag);
  }

  async function takeOne(raw: ConsumeMessage, itsLease: ChannelLease): Promise<void> {
    metrics.consumed.inc();
    const letter = readDeadLetter(raw, prefix, queues(), reader);
    while (!itsLease.signal.aborted && !(await offer(letter))) {
      await new Promise((resolve) => setTimeout(resolve, pauseMs).unref());
      if (closing) {
        itsLease.release(raw);
        return;
      }
    }
    itsLease.ack(raw);
  }

  async function offer(letter: DeadLetter): Promise<boolean> {
    active += 1;
    try {
      await handler(letter);
      return true;
    } catch (error) {
      log.warn(
        { messageId: letter.message.id, err: describeError(error) },
        "a dead letter wasn't taken; it is offered again",
      );
      return false;
    } finally {
      active -= 1;
      if (active === 0) onIdle?.();
    }
  }

  async function pause(): Promise<void> {
    paused = true;
    if (channel !== undefined && tag !== undefined) await atMost(2_000, channel.cancel(tag));
  }

  const subscription: OpenSubscription = {
    queue: "dlq",
    group: undefined,
    started: started.promise,
    get active() {
      return active;
    },
    pause,
    resume: async () => {
      if (!paused) return;
      paused = false;
      if (channel !== undefined && lease !== undefined) await consume(channel, lease).catch(() => {});
    },
    close: async ({ deadline } = {}) => {
      const deadlineMs = checkedDuration("deadline", deadline, 0) ?? 30_000;
      closing = true;
      await pause();
      if (active > 0) {
        const idle = new Promise<void>((resolve) => (onIdle = resolve));
        await atMost(deadlineMs, idle);
      }
      // What was taken a moment ago is acknowledged at the end of this turn.
      await new Promise((resolve) => setImmediate(resolve));
      await managed.close();
      removed(subscription);
    },
    holds: () => false,
    heldOf: () => [],
    settleByHand: () => false,
  };
  added(subscription);
  try {
    await started.promise;
  } catch (error) {
    await subscription.close({ deadline: 0 });
    throw error;
  }
  return subscription;
}
