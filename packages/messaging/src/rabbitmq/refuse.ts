import { durationText } from "../duration.ts";
import { MessagingError } from "../errors.ts";
import type { Queue } from "../queue-definition.ts";
import type { RabbitMQTuning } from "./options.ts";

/**
 * What RabbitMQ can't do is refused when the queue is declared, not found out later.
 *
 * @throws MessagingError `unsupported`, with what to do instead.
 */
export function refuseUnsupported(queue: Queue, tuning: RabbitMQTuning): void {
  const refuse = (words: string): never => {
    throw new MessagingError("unsupported", `queue ${queue.name}: ${words}`);
  };
  if (queue.priority === "bands" && queue.kind !== "task") {
    refuse(
      `priority bands on RabbitMQ are for tasks: exchanges of ${queue.kind}s can't keep bands apart; use native, or a queue for each urgency`,
    );
  }
  if (queue.priority === "bands" && queue.maxLength !== null) {
    refuse("priority bands have no common maxLength on RabbitMQ: use native, or no limit");
  }
  if (queue.rateLimit?.scope === "installation") {
    refuse("RabbitMQ has no rate limit across processes: set rateLimit.scope to process, or use Redis or PostgreSQL");
  }
  if (queue.dedupeWindowMs !== null) {
    refuse("RabbitMQ doesn't drop repeated messages: use an inbox where they are handled, or Redis or PostgreSQL");
  }
  if (queue.leaseMs > tuning.consumerTimeoutMs) {
    refuse(
      `a lease of ${durationText(queue.leaseMs)} outlasts the broker's consumer timeout of ${durationText(tuning.consumerTimeoutMs)}: make the work smaller, or raise consumer_timeout there and consumerTimeoutMs here`,
    );
  }
}
