import { loadSettings, rabbitmqSettings, SettingsError } from "@fleetwire/service";
import { MessagingError, silentLog } from "@fleetwire/messaging";
import { createRabbitMQProvider, rabbitmqDefaults, rabbitmqOptionsFrom } from "@fleetwire/messaging/rabbitmq";
import { startRabbitMQ, tempDir, testCertificates } from "@fleetwire/testbed";
import { writeFileSync } from "node:fs";
import { join } from "node:path";
import { fileURLToPath } from "node:url";
import { Registry } from "prom-client";
import { expect, test } from "vitest";

const file = fileURLToPath(new URL("../../configs/messaging.yaml", import.meta.url));

function options(env: Record<string, string>, withFile = true) {
  return rabbitmqOptionsFrom(loadSettings(rabbitmqSettings, { service: "test", env, ...(withFile ? { file } : {}) }));
}

test("with nothing set, the file and the code say the same: the specification's defaults", () => {
  const { target, prefix, managementUrl, ...tuning } = options({});
  expect(options({}, false)).toEqual({ target, prefix, managementUrl, ...tuning });
  expect(target).toEqual({
    hosts: [{ host: "localhost", port: 5672 }],
    vhost: "/",
    username: "guest",
    password: "guest",
    tls: null,
  });
  expect({ prefix, managementUrl }).toEqual({ prefix: "fleetwire", managementUrl: undefined });
  expect(rabbitmqDefaults).toMatchObject(tuning);
  expect(tuning).toEqual({
    connectTimeoutMs: 30_000,
    heartbeatMs: 10_000,
    maxReconnectAttempts: 10,
    reconnectDelayMs: 5_000,
    publishTimeoutMs: 10_000,
    prefetchCount: 10,
  });
});

test.each<[Record<string, string>, object]>([
  [{ RABBITMQ_HOST: "mq", RABBITMQ_PASSWORD: "s3" }, { target: { hosts: [{ host: "mq", port: 5672 }] } }],
  [{ RABBITMQ_PORT: "5673" }, { target: { hosts: [{ host: "localhost", port: 5673 }] } }],
  [{ RABBITMQ_USER: "helixagent" }, { target: { username: "helixagent" } }],
  [{ RABBITMQ_USERNAME: "helixagent" }, { target: { username: "helixagent" } }],
  [{ RABBITMQ_PASSWORD: "helixagent123" }, { target: { password: "helixagent123" } }],
  [{ RABBITMQ_VHOST: "agents" }, { target: { vhost: "agents" } }],
  [{ RABBITMQ_PREFETCH_COUNT: "25" }, { prefetchCount: 25 }],
  [{ RABBITMQ_PUBLISHER_CONFIRM: "true" }, {}],
  [{ RABBITMQ_PREFETCH_GLOBAL: "false" }, {}],
  [
    { RABBITMQ_CONNECT_TIMEOUT: "1s", RABBITMQ_HEARTBEAT: "5s", RABBITMQ_RECONNECT_DELAY: "250ms" },
    { connectTimeoutMs: 1_000, heartbeatMs: 5_000, reconnectDelayMs: 250 },
  ],
  [
    { RABBITMQ_MAX_RECONNECT_ATTEMPTS: "3", RABBITMQ_PUBLISH_TIMEOUT: "2s" },
    { maxReconnectAttempts: 3, publishTimeoutMs: 2_000 },
  ],
  [
    { RABBITMQ_PREFIX: "helixagent", RABBITMQ_MANAGEMENT_URL: "http://u:p@h:15672" },
    { prefix: "helixagent", managementUrl: "http://u:p@h:15672" },
  ],
  [{ RABBITMQ_TLS_ENABLED: "true" }, { target: { hosts: [{ port: 5671 }], tls: { skipVerify: false } } }],
  [{ RABBITMQ_TLS: "true", RABBITMQ_TLS_SKIP_VERIFY: "true" }, { target: { tls: { skipVerify: true } } }],
  [{ RABBITMQ_TLS: "true", RABBITMQ_TLS_VERIFY_PEER: "false" }, { target: { tls: { skipVerify: true } } }],
])("%o works, with the file", (env, expected) => {
  expect(options(env)).toMatchObject(expected);
});

test("SIRIUS_RABBITMQ names the broker; RABBITMQ_URL is the same setting", () => {
  const url = "amqps://u:p7x@a:5671,b:5671/agents";
  const expected = {
    target: {
      hosts: [
        { host: "a", port: 5671 },
        { host: "b", port: 5671 },
      ],
      vhost: "agents",
      username: "u",
      password: "p7x",
      tls: {},
    },
  };
  expect(options({ SIRIUS_RABBITMQ: url })).toMatchObject(expected);
  expect(options({ SIRIUS_RABBITMQ: url }, false)).toMatchObject(expected);
  expect(options({ RABBITMQ_URL: url })).toMatchObject(expected);
});

test.each<[Record<string, string>, RegExp]>([
  [{ RABBITMQ_USER: "a", RABBITMQ_USERNAME: "b" }, /RABBITMQ_USER/],
  [{ RABBITMQ_PORT: "http" }, /RABBITMQ_PORT.*expected a port/],
  [{ RABBITMQ_PREFETCH_COUNT: "0" }, /RABBITMQ_PREFETCH_COUNT/],
  [{ RABBITMQ_HEARTBEAT: "10" }, /RABBITMQ_HEARTBEAT.*expected a duration/],
])("%o is told by its name", (env, words) => {
  expect(() => options(env)).toThrow(SettingsError);
  expect(() => options(env)).toThrow(words);
});

test.each<[Record<string, string>, RegExp]>([
  [{ RABBITMQ_PUBLISHER_CONFIRM: "false" }, /publisher_confirm.*only true/],
  [{ RABBITMQ_PREFETCH_GLOBAL: "true" }, /prefetch_global.*only false/],
  [{ RABBITMQ_HOST: "mq.example.com" }, /well-known/],
  [{ SIRIUS_RABBITMQ: "amqp://u:p@h", RABBITMQ_TLS: "true" }, /amqps/],
  [{ RABBITMQ_TLS: "true", RABBITMQ_TLS_CERT_FILE: "/c.pem" }, /belong together/],
  [{ RABBITMQ_TLS: "true", RABBITMQ_TLS_CA_FILE: "/nowhere/ca.pem" }, /\/nowhere\/ca\.pem can't be read: ENOENT/],
  [{ RABBITMQ_TLS: "true", RABBITMQ_TLS_VERIFY_PEER: "true", RABBITMQ_TLS_SKIP_VERIFY: "true" }, /contradict/],
])("%o is refused, with what to do", (env, words) => {
  expect(() => options(env)).toThrow(MessagingError);
  expect(() => options(env)).toThrow(words);
});

test("a service reaches a broker over TLS by its settings alone, and by its client certificate without a password", async () => {
  const { ca, cert, key, client } = await testCertificates();
  const broker = await startRabbitMQ({ tls: { ca, cert, key, verifyPeer: true } });
  try {
    await broker.addUser({ name: "fleetwire-test-client", vhost: "/", configure: ".*", write: ".*", read: ".*" });
    const folder = tempDir("certificates");
    const write = (name: string, text: string): string => {
      writeFileSync(join(folder, name), text);
      return join(folder, name);
    };
    const files = {
      RABBITMQ_TLS: "true",
      RABBITMQ_TLS_CA_FILE: write("ca.pem", ca),
      RABBITMQ_TLS_CERT_FILE: write("client.pem", client.cert),
      RABBITMQ_TLS_KEY_FILE: write("client-key.pem", client.key),
      RABBITMQ_PORT: String(broker.tlsPort),
    };
    for (const login of [{ RABBITMQ_USER: broker.user, RABBITMQ_PASSWORD: broker.password }, {}]) {
      const metrics = new Registry();
      const provider = createRabbitMQProvider({ ...options({ ...files, ...login }), log: silentLog, metrics });
      await provider.initialize();
      expect(await provider.healthCheck()).toBe(true);
      await provider.close();
    }
    const connections = broker.log
      .filter((line) => /user '[^']+' authenticated/.test(line))
      .map((line) => /user '([^']+)'/.exec(line)?.[1]);
    expect(new Set(connections)).toEqual(new Set([broker.user, "fleetwire-test-client"]));
  } finally {
    await broker.close();
  }
}, 300_000);
