import type { Registry } from "prom-client";
import type { Clock } from "../clock.ts";
import type { MessagingLog } from "../log.ts";
import type { Tracing } from "../tracing.ts";

/** TLS to the broker. */
export interface RabbitMQTls {
  /** PEM texts. `cert` and `key` of the client: with them and without a password, SASL EXTERNAL. */
  ca?: string | undefined;
  cert?: string | undefined;
  key?: string | undefined;
  /** The name the server's certificate has to have; default: the host's. */
  serverName?: string | undefined;
  /** Takes any certificate. For a test, never for production. */
  skipVerify?: boolean | undefined;
}

/** Where the broker is, and who we are. */
export interface RabbitMQTarget {
  /** Nodes of one cluster; whichever answers. */
  readonly hosts: readonly { readonly host: string; readonly port: number }[];
  readonly vhost: string;
  readonly username: string;
  readonly password: string;
  readonly tls: RabbitMQTls | null;
}

/** Numbers of the specification where it has them. Durations are milliseconds. */
export interface RabbitMQTuning {
  readonly connectTimeoutMs: number;
  readonly heartbeatMs: number;
  /** Of a one-shot program; a service tries for ever. */
  readonly maxReconnectAttempts: number;
  readonly reconnectDelayMs: number;
  readonly publishTimeoutMs: number;
  readonly prefetchCount: number;
  /** The longest that the broker lets a delivery be unacknowledged: its `consumer_timeout`. */
  readonly consumerTimeoutMs: number;
  /** Publishes that wait for their confirm at most; more wait in the buffer. */
  readonly maxUnconfirmed: number;
  /** What may wait while the broker is away or slow; then `buffer_full`. */
  readonly maxBuffered: number;
  readonly maxBufferedBytes: number;
  readonly maxMessageBytes: number;
  /** Times a delivery may come back without an outcome before it is a dead letter (`crashed`). */
  readonly maxRedeliveries: number;
}

/** What holds where nothing is said. */
export const rabbitmqDefaults: RabbitMQTuning = {
  connectTimeoutMs: 30_000,
  heartbeatMs: 10_000,
  maxReconnectAttempts: 10,
  reconnectDelayMs: 5_000,
  publishTimeoutMs: 10_000,
  prefetchCount: 10,
  consumerTimeoutMs: 1_800_000,
  maxUnconfirmed: 1_000,
  maxBuffered: 100_000,
  maxBufferedBytes: 67_108_864,
  maxMessageBytes: 1_048_576,
  maxRedeliveries: 10,
};

/** Everything a provider on RabbitMQ needs. */
export interface RabbitMQOptions extends Partial<RabbitMQTuning> {
  target: RabbitMQTarget;
  /** First word of every name on the broker; another prefix is another tenant. Default fleetwire. */
  prefix?: string;
  /** `program`: gives up after `maxReconnectAttempts`. Default service. */
  lifetime?: "service" | "program";
  /** Shown by the broker beside the connections. */
  name?: string;
  /**
   * The broker's management API (`http://user:password@host:15672`), where this may set policies: limits and times to
   * live are policies then, which may change; without it they are arguments, which may not.
   */
  managementUrl?: string | undefined;
  log: MessagingLog;
  metrics: Registry;
  tracing?: Tracing;
  clock?: Clock;
  random?: () => number;
}
