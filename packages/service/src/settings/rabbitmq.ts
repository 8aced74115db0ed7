import { duration, flag, integer, path, port, secret, text } from "./kinds.ts";

/**
 * How a service reaches RabbitMQ; the same names in every service that does. Durations are milliseconds once loaded. The
 * messaging package makes its options of them.
 */
export const rabbitmqSettings = {
  rabbitmqUrl: secret({
    env: ["SIRIUS_RABBITMQ", "RABBITMQ_URL"],
    key: "rabbitmq.url",
    optional: true,
    doc: "URL of the broker: amqp://user:password@host:5672/vhost, amqps:// for TLS; several hosts of a cluster joined by commas.",
  }),
  rabbitmqHost: text({
    env: ["RABBITMQ_HOST"],
    key: "rabbitmq.host",
    optional: true,
    doc: "The broker, in parts; default localhost.",
  }),
  rabbitmqPort: port({
    env: ["RABBITMQ_PORT"],
    key: "rabbitmq.port",
    optional: true,
    doc: "Its port; default 5672, over TLS 5671.",
  }),
  rabbitmqUsername: text({
    env: ["RABBITMQ_USER", "RABBITMQ_USERNAME"],
    key: "rabbitmq.username",
    optional: true,
    doc: "Its user; default guest, which brokers let in from loopback only.",
  }),
  rabbitmqPassword: secret({
    env: ["RABBITMQ_PASSWORD"],
    key: "rabbitmq.password",
    optional: true,
    doc: "The user's password.",
  }),
  rabbitmqVhost: text({
    env: ["RABBITMQ_VHOST"],
    key: "rabbitmq.vhost",
    optional: true,
    doc: "Virtual host; default /.",
  }),
  rabbitmqPrefix: text({
    env: ["RABBITMQ_PREFIX"],
    key: "rabbitmq.prefix",
    default: "fleetwire",
    max: 40,
    doc: "First word of every exchange and queue; another prefix is another tenant.",
  }),
  rabbitmqManagementUrl: secret({
    env: ["RABBITMQ_MANAGEMENT_URL"],
    key: "rabbitmq.management_url",
    optional: true,
    doc: "The management API, http://user:password@host:15672: limits of queues are policies then, which may change.",
  }),
  rabbitmqConnectTimeout: duration({
    env: ["RABBITMQ_CONNECT_TIMEOUT"],
    key: "rabbitmq.connect_timeout",
    default: "30s",
    min: 100,
    doc: "How long one attempt to connect may take.",
  }),
  rabbitmqHeartbeat: duration({
    env: ["RABBITMQ_HEARTBEAT"],
    key: "rabbitmq.heartbeat",
    default: "10s",
    min: 1_000,
    max: 600_000,
    doc: "A connection that is dead is found within two of these.",
  }),
  rabbitmqMaxReconnectAttempts: integer({
    env: ["RABBITMQ_MAX_RECONNECT_ATTEMPTS"],
    key: "rabbitmq.max_reconnect_attempts",
    default: 10,
    min: 1,
    doc: "Attempts of a program that runs once; a service tries for ever.",
  }),
  rabbitmqReconnectDelay: duration({
    env: ["RABBITMQ_RECONNECT_DELAY"],
    key: "rabbitmq.reconnect_delay",
    default: "5s",
    min: 10,
    doc: "Pause after a failed attempt; it doubles up to a minute.",
  }),
  rabbitmqPublisherConfirm: flag({
    env: ["RABBITMQ_PUBLISHER_CONFIRM"],
    key: "rabbitmq.publisher_confirm",
    default: true,
    doc: "Publishes are confirmed; there is no other way, so only true is taken.",
  }),
  rabbitmqPublishTimeout: duration({
    env: ["RABBITMQ_PUBLISH_TIMEOUT"],
    key: "rabbitmq.publish_timeout",
    default: "10s",
    min: 1,
    doc: "Deadline of a publish that brings none.",
  }),
  rabbitmqPrefetchCount: integer({
    env: ["RABBITMQ_PREFETCH_COUNT"],
    key: "rabbitmq.prefetch_count",
    default: 10,
    min: 1,
    max: 65_535,
    doc: "Deliveries that a consumer holds, unless its concurrency needs more.",
  }),
  rabbitmqPrefetchGlobal: flag({
    env: ["RABBITMQ_PREFETCH_GLOBAL"],
    key: "rabbitmq.prefetch_global",
    default: false,
    doc: "One prefetch for a whole channel: quorum queues don't have it, so only false is taken.",
  }),
  rabbitmqTls: flag({
    env: ["RABBITMQ_TLS_ENABLED", "RABBITMQ_TLS"],
    key: "rabbitmq.tls.enabled",
    default: false,
    doc: "Connect over TLS.",
  }),
  rabbitmqTlsCertFile: path({
    env: ["RABBITMQ_TLS_CERT_FILE"],
    key: "rabbitmq.tls.cert_file",
    optional: true,
    doc: "PEM file of the client's certificate.",
  }),
  rabbitmqTlsKeyFile: path({
    env: ["RABBITMQ_TLS_KEY_FILE"],
    key: "rabbitmq.tls.key_file",
    optional: true,
    doc: "PEM file of its key.",
  }),
  rabbitmqTlsCaFile: path({
    env: ["RABBITMQ_TLS_CA_FILE"],
    key: "rabbitmq.tls.ca_file",
    optional: true,
    doc: "PEM file of the authority that the broker's certificate is of; not set: those of the system.",
  }),
  rabbitmqTlsSkipVerify: flag({
    env: ["RABBITMQ_TLS_SKIP_VERIFY"],
    key: "rabbitmq.tls.skip_verify",
    default: false,
    doc: "Takes any certificate. For a test, never for production.",
  }),
  rabbitmqTlsVerifyPeer: flag({
    env: ["RABBITMQ_TLS_VERIFY_PEER"],
    key: "rabbitmq.tls.verify_peer",
    optional: true,
    doc: "The opposite of skip_verify.",
  }),
};
