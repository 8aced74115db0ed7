/** Why an operation failed; a closed set. What each means for the caller stands in README. */
export type MessagingErrorCode =
  /** The message can't be sent by anybody: a field is missing, malformed or too long. */
  | "invalid_message"
  | "message_too_large"
  | "invalid_definition"
  /** This provider doesn't do that; the message says what does. */
  | "unsupported"
  | "unknown_queue"
  | "unknown_group"
  /** The queue's arguments at the broker differ from its definition; the rest goes on. */
  | "queue_quarantined"
  /** No group got the message: its topology is gone. */
  | "unroutable"
  /**
   * The broker refused it until the deadline: the queue is full, or a node is failing. Where several groups get it, one of
   * them refused; the others may have it.
   */
  | "publish_refused"
  /** Never sent before the deadline: nothing has happened. */
  | "publish_timeout"
  /** Sent and not confirmed before the deadline: it may have been stored. Sent again with the same id, it is recognised. */
  | "publish_unconfirmed"
  /** Too many publishes wait for a broker that is away or slow. */
  | "buffer_full"
  | "closed"
  /** The delivery belongs to somebody else by now; nothing was changed. */
  | "lease_lost"
  /** Several deliveries, or none, have this message id. */
  | "ambiguous_delivery"
  /** The broker can't be reached, for now. */
  | "unreachable"
  | "credentials_refused"
  | "vhost_refused"
  | "permission_denied"
  | "tls_failed";

const retryable: ReadonlySet<MessagingErrorCode> = new Set<MessagingErrorCode>([
  "publish_refused",
  "publish_timeout",
  "publish_unconfirmed",
  "buffer_full",
  "unreachable",
]);

/** The one error of this package. Its message never holds a payload or a password. */
export class MessagingError extends Error {
  override readonly name = "MessagingError";
  readonly code: MessagingErrorCode;
  /** Whether the same call may succeed later. */
  readonly retryable: boolean;

  constructor(code: MessagingErrorCode, message: string, options: { cause?: unknown } = {}) {
    super(message, options);
    this.code = code;
    this.retryable = retryable.has(code);
  }
}

/** The error as it stands in logs, reports and dead letters: one line, at most 500 characters. */
export function describeError(error: unknown): string {
  const text = error instanceof Error ? error.message || error.name : String(error);
  // oxlint-disable-next-line no-control-regex -- control characters are what has to go
  return text.replaceAll(/[\u0000-\u001f\u007f]+/g, " ").slice(0, 500);
}
