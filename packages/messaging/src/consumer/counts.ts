import type { Counter, Histogram } from "prom-client";
import type { MessagingMetrics } from "../metrics.ts";

/** The series of one consumer, looked up once: a lookup by labels would cost as much as the rest of a delivery. */
export interface ConsumerCounts {
  readonly received: Counter.Internal;
  readonly redelivered: Counter.Internal;
  readonly completed: Counter.Internal;
  readonly retried: Counter.Internal;
  readonly failed: Counter.Internal;
  readonly lost: Counter.Internal;
  readonly duration: Histogram.Internal<string>;
}

export function consumerCounts(metrics: MessagingMetrics, queue: string, group: string): ConsumerCounts {
  return {
    received: metrics.received.labels(queue, group),
    redelivered: metrics.redelivered.labels(queue, group),
    completed: metrics.outcomes.labels(queue, group, "completed"),
    retried: metrics.outcomes.labels(queue, group, "retry"),
    failed: metrics.outcomes.labels(queue, group, "failed"),
    lost: metrics.outcomes.labels(queue, group, "lost"),
    duration: metrics.duration.labels(queue, group),
  };
}
