import { Counter, Gauge, Histogram, type Registry } from "prom-client";
import type { ConnectionState } from "./connection.ts";

/** The values of `rabbitmq_connection_state`. */
export const connectionStates: Readonly<Record<ConnectionState, number>> = {
  idle: 0,
  connecting: 1,
  open: 2,
  blocked: 3,
  waiting: 4,
  failed: 5,
  closed: 6,
};

export interface ConnectionCounts {
  state(connection: string, state: ConnectionState): void;
  success(connection: string): void;
  failure(connection: string): void;
}

/** The specification's metrics, and what belongs beside them. */
export interface RabbitMQMetrics extends ConnectionCounts {
  readonly published: Counter.Internal;
  readonly consumed: Counter.Internal;
  readonly acked: Counter.Internal;
  readonly nacked: Counter.Internal;
  readonly deadLettered: Counter<"reason">;
  readonly publishRefused: Counter.Internal;
  readonly returned: Counter.Internal;
  readonly publishLatency: Histogram.Internal<string>;
  readonly unconfirmed: Gauge.Internal<string>;
  readonly buffered: Gauge.Internal<string>;
  readonly quarantined: Gauge.Internal<string>;
}

const latencySeconds = [0.001, 0.0025, 0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1, 2.5, 5, 10];
const stateHelp = Object.entries(connectionStates)
  .map(([name, value]) => `${value} ${name}`)
  .join(", ");

/** Registers them, once for each registry. */
export function rabbitmqMetrics(registry: Registry): RabbitMQMetrics {
  const known = registered.get(registry);
  if (known !== undefined) return known;
  const registers = [registry];
  const counter = (name: string, help: string) => new Counter({ name: `rabbitmq_${name}`, help, registers }).labels();
  const gauge = (name: string, help: string) => new Gauge({ name: `rabbitmq_${name}`, help, registers }).labels();
  const state = new Gauge({
    name: "rabbitmq_connection_state",
    help: `State of each connection: ${stateHelp}.`,
    labelNames: ["connection"],
    registers,
  });
  const successes = new Counter({
    name: "rabbitmq_connection_successes_total",
    help: "Connections made.",
    labelNames: ["connection"],
    registers,
  });
  const failures = new Counter({
    name: "rabbitmq_connection_failures_total",
    help: "Attempts to connect that failed.",
    labelNames: ["connection"],
    registers,
  });
  const metrics: RabbitMQMetrics = {
    published: counter("messages_published_total", "Messages that the broker confirmed."),
    consumed: counter("messages_consumed_total", "Messages that the broker delivered."),
    acked: counter("messages_acked_total", "Deliveries acknowledged."),
    nacked: counter("messages_nacked_total", "Deliveries given back to their queue."),
    deadLettered: new Counter({
      name: "rabbitmq_messages_dead_lettered_total",
      help: "Deliveries made dead letters by this process, by reason.",
      labelNames: ["reason"],
      registers,
    }),
    publishRefused: counter(
      "publishes_refused_total",
      "Publishes that the broker didn't confirm: each is tried again until its deadline.",
    ),
    returned: counter("messages_returned_total", "Messages that no queue took."),
    publishLatency: new Histogram({
      name: "rabbitmq_publish_latency_seconds",
      help: "From publish to confirm, waiting in the buffer included.",
      buckets: latencySeconds,
      registers,
    }).labels(),
    unconfirmed: gauge("publishes_unconfirmed", "Publishes sent and not yet confirmed."),
    buffered: gauge("publishes_buffered", "Publishes that wait for the broker."),
    quarantined: gauge("queues_quarantined", "Queues whose arguments at the broker differ from their definition."),
    state: (connection, now) => state.set({ connection }, connectionStates[now]),
    success: (connection) => successes.inc({ connection }),
    failure: (connection) => failures.inc({ connection }),
  };
  for (const connection of ["publish", "consume"]) {
    successes.inc({ connection }, 0);
    failures.inc({ connection }, 0);
  }
  registered.set(registry, metrics);
  return metrics;
}

const registered = new WeakMap<Registry, RabbitMQMetrics>();
