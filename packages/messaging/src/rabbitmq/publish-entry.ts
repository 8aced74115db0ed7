import type { ConfirmChannel, Options } from "amqplib";
import { MessagingError } from "../errors.ts";

/** One message on its way. */
export interface Outgoing {
  readonly exchange: string;
  readonly routingKey: string;
  readonly body: Buffer;
  readonly properties: Options.Publish;
  /** A broadcast that nobody takes is no error. */
  readonly mayBeUnrouted: boolean;
  /** It goes to several groups: sent again, those that took it get it twice. */
  readonly isShared: boolean;
}

/** Messages that were published together: settled when the last of them has ended. */
export interface Batch {
  left: number;
  error: MessagingError | null;
  resolve: () => void;
  reject: (error: MessagingError) => void;
}

/** One message on its way, and how far it came. */
export class Entry {
  readonly message: Outgoing;
  readonly deadlineAt: number;
  readonly beganAt: number;
  readonly batch: Batch;
  /** On which channel it waits for its confirm; undefined: it waits to be sent. */
  channel: ConfirmChannel | undefined;
  wasSent = false;
  wasReturned = false;
  refusals = 0;
  ended = false;

  constructor(message: Outgoing, beganAt: number, deadlineAt: number, batch: Batch) {
    this.message = message;
    this.beganAt = beganAt;
    this.deadlineAt = deadlineAt;
    this.batch = batch;
  }
}

/** Why a message wasn't confirmed in time: what its publisher may assume. `why` is the connection's own trouble. */
export function lateError(entry: Entry, why: string): MessagingError {
  const after = `within ${Math.round(entry.deadlineAt - entry.beganAt)} ms`;
  if (entry.refusals > 0) {
    const who = entry.message.isShared ? "at least one of its groups' queues" : "its queue";
    return new MessagingError("publish_refused", `RabbitMQ didn't take the message: ${who} is full, or a node fails`);
  }
  if (entry.wasSent)
    return new MessagingError(
      "publish_unconfirmed",
      `RabbitMQ didn't confirm the message ${after}${why}; it may be stored`,
    );
  return new MessagingError("publish_timeout", `the message couldn't be sent to RabbitMQ ${after}${why}`);
}

/**
 * Why the broker closed the channel, where that was for this message: sent again, it would close the next one too. It
 * names the exchange or the size, not the message: all that fit the description are refused.
 */
export function refusalOf(error: unknown, { message }: Entry): MessagingError | null {
  if (!(error instanceof Error) || !("code" in error)) return null;
  const { exchange, body } = message;
  const names = error.message.includes(`'${exchange}'`) || (exchange === "" && error.message.includes("'amq.default'"));
  if (error.code === 403 && names) {
    return new MessagingError("permission_denied", `the user may not publish to exchange "${exchange}"`, {
      cause: error,
    });
  }
  if (error.code === 404 && names) {
    return new MessagingError("unroutable", `there is no exchange "${exchange}" any more: was it deleted?`, {
      cause: error,
    });
  }
  const limit = /larger than configured max size (\d+)/.exec(error.message)?.[1];
  if (error.code === 406 && limit !== undefined && body.length > Number(limit)) {
    return new MessagingError(
      "message_too_large",
      `the payload has ${body.length} bytes; the broker takes at most ${limit}`,
      { cause: error },
    );
  }
  return null;
}
