import { Counter, Gauge, Histogram, type Registry } from "prom-client";
import type { QueueStats } from "./provider.ts";

/** The metrics that every provider keeps; names of the specification where it has them. */
export interface MessagingMetrics {
  readonly sent: Counter<"queue">;
  readonly received: Counter<"queue" | "group">;
  readonly outcomes: Counter<"queue" | "group" | "outcome">;
  readonly duration: Histogram<"queue" | "group">;
  readonly redelivered: Counter<"queue" | "group">;
  /** Asked at each scrape for what waits in the queues that a provider declared; what throws keeps its last figures. */
  readonly depthSources: Set<() => Promise<readonly QueueStats[]>>;
}

// From a millisecond up, with the specification's buckets of command_processing_duration_seconds among them.
const seconds = [0.001, 0.005, 0.01, 0.05, 0.1, 0.5, 1, 2, 5, 10, 30];

/** Registers them, once for each registry: several providers may share one. */
export function messagingMetrics(registry: Registry): MessagingMetrics {
  const known = registered.get(registry);
  if (known !== undefined) return known;
  const registers = [registry];
  const depthSources: MessagingMetrics["depthSources"] = new Set();
  const metrics: MessagingMetrics = {
    depthSources,
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
  const depth: Gauge<"queue" | "group"> = new Gauge({
    name: "queue_depth",
    help: "Messages that wait in a group's queue.",
    labelNames: ["queue", "group"],
    registers,
    async collect() {
      const all = await Promise.all([...depthSources].map(inTime));
      for (const { queue, groups } of all.flat())
        for (const { group, ready } of groups) depth.set({ queue, group }, ready);
    },
  });
  registered.set(registry, metrics);
  return metrics;
}

const registered = new WeakMap<Registry, MessagingMetrics>();

const scrapeMs = 2_000;

/** What a source says; nothing where it fails or takes long: a scrape doesn't wait for a broker that is gone. */
async function inTime(source: () => Promise<readonly QueueStats[]>): Promise<readonly QueueStats[]> {
  const { promise: late, resolve } = Promise.withResolvers<readonly QueueStats[]>();
  const timer = setTimeout(() => resolve([]), scrapeMs);
  const stats = await Promise.race([source().catch(() => []), late]);
  clearTimeout(timer);
  return stats;
}
