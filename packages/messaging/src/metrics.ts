import { Counter, Histogram, type Registry } from "prom-client";

/** The metrics that every provider keeps; names of the specification where it has them. */
export interface MessagingMetrics {
  readonly sent: Counter<"queue">;
  readonly received: Counter<"queue" | "group">;
  readonly outcomes: Counter<"queue" | "group" | "outcome">;
  readonly duration: Histogram<"queue" | "group">;
  readonly redelivered: Counter<"queue" | "group">;
}

// From a millisecond up, with the specification's buckets of command_processing_duration_seconds among them.
const seconds = [0.001, 0.005, 0.01, 0.05, 0.1, 0.5, 1, 2, 5, 10, 30];

/** Registers them, once for each registry: several providers may share one. */
export function messagingMetrics(registry: Registry): MessagingMetrics {
  const known = registered.get(registry);
  if (known !== undefined) return known;
  const registers = [registry];
  const metrics: MessagingMetrics = {
    sent: new Counter({
      name: "queue_messages_sent_total",
      help: "Messages that the provider has made durable, by queue.",
      labelNames: ["queue"],
      registers,
    }),
    received: new Counter({
      name: "queue_messages_received_total",
      help: "Deliveries that came to a consumer of this process.",
      labelNames: ["queue", "group"],
      registers,
    }),
    outcomes: new Counter({
      name: "queue_deliveries_total",
      help: "Deliveries by what became of them: completed, retry, failed (a dead letter), lost (the lease was lost first).",
      labelNames: ["queue", "group", "outcome"],
      registers,
    }),
    duration: new Histogram({
      name: "queue_processing_duration_seconds",
      help: "Time that handlers took.",
      labelNames: ["queue", "group"],
      buckets: seconds,
      registers,
    }),
    redelivered: new Counter({
      name: "queue_redeliveries_total",
      help: "Deliveries that came back without an outcome.",
      labelNames: ["queue", "group"],
      registers,
    }),
  };
  registered.set(registry, metrics);
  return metrics;
}

const registered = new WeakMap<Registry, MessagingMetrics>();
