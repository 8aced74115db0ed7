import { durationMs, type Duration } from "./duration.ts";
import { MessagingError } from "./errors.ts";

/** Thrown by a handler: try this delivery again, as one more of its attempts. */
export class Retry extends Error {
  override readonly name = "Retry";
  /** Milliseconds until the next attempt; undefined: as the queue's retry policy says. */
  readonly afterMs: number | undefined;

  /** @throws MessagingError `invalid_message` when `after` is no duration or more than 30 days. */
  constructor(options: { after?: Duration; reason?: string; cause?: unknown } = {}) {
    super(options.reason ?? "the handler asked for another attempt", { cause: options.cause });
    if (options.after === undefined) return;
    const ms = durationMs(options.after);
    if (ms === null || ms > longestDelayMs) {
      throw new MessagingError("invalid_message", "after: expected a duration such as 500ms or 30s, at most 30d");
    }
    this.afterMs = ms;
  }
}

/** Thrown by a handler: no attempt can succeed; straight to the dead letters. */
export class Reject extends Error {
  override readonly name = "Reject";

  constructor(reason: string, options: { cause?: unknown } = {}) {
    super(reason, options);
  }
}

/** The longest that a message may wait: 30 days. */
export const longestDelayMs = 30 * 86_400_000;

/** The largest maxRetries, of a queue or of a message. */
export const mostRetries = 1_000;

/** Why a delivery is among the dead letters. */
export type DeadLetterReason =
  /** Its handler threw Reject. */
  | "rejected"
  | "attempts_exhausted"
  /** Handling it ended its process, or lost its connection, more than `maxRedeliveries` times. */
  | "crashed"
  /** Its time to live was over before it was handled. */
  | "expired"
  /** No message of this protocol: not JSON, no id, a header of the wrong type. */
  | "malformed"
  | "unknown_version"
  /** The consumer's `parse` refused the payload. */
  | "invalid_payload"
  /** The broker's own delivery limit. */
  | "delivery_limit";

/** What became of a delivery. */
export type Outcome =
  | { readonly kind: "done" }
  | { readonly kind: "retry"; readonly delayMs: number; readonly error: string }
  | { readonly kind: "dead"; readonly reason: DeadLetterReason; readonly error: string };
