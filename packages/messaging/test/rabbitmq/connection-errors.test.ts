import { startRabbitMQ, startFaultProxy, testCertificates, type TestRabbitMQ, freePort } from "@fleetwire/testbed";
import { Registry } from "prom-client";
import { afterAll, afterEach, beforeAll, expect, test } from "vitest";
import type { RabbitMQOptions } from "../../src/rabbitmq/index.ts";
import { createRabbitMQProvider, resolveRabbitMQ } from "../../src/rabbitmq/index.ts";
import type { QueueProvider } from "../../src/index.ts";
import { until } from "../conformance/world.ts";
import { optionsFor } from "./harness.ts";

let broker: TestRabbitMQ;
let vhost: { name: string; url: string };
const certificates = await testCertificates();
const open: QueueProvider[] = [];

beforeAll(async () => {
  broker = await startRabbitMQ({
    tls: { ca: certificates.ca, cert: certificates.cert, key: certificates.key, verifyPeer: true },
  });
  vhost = await broker.createVhost();
}, 300_000);
afterEach(() => Promise.all(open.splice(0).map((provider) => provider.close({ deadline: "1s" }))));
afterAll(() => broker.close());

const code = (expected: string) => expect.objectContaining({ name: "MessagingError", code: expected });

function provider(url: string, changes: Partial<RabbitMQOptions> = {}) {
  const created = createRabbitMQProvider(optionsFor(url, { reconnectDelayMs: 20, ...changes }));
  open.push(created);
  return created;
}

function withLogin(username: string, password: string, vhostName = vhost.name): string {
  return `amqp://${username}:${password}@127.0.0.1:${broker.port}/${encodeURIComponent(vhostName)}`;
}

test("a wrong password is told at once, without the password and without another attempt", async () => {
  const metrics = new Registry();
  const refused = provider(withLogin(broker.user, "not-the-password"), { metrics });
  await expect(refused.initialize()).rejects.toEqual(code("credentials_refused"));
  await expect(refused.initialize()).rejects.toThrow(/refuses user "testbed": the name or the password is wrong/);
  await expect(refused.initialize()).rejects.toThrow(/^(?!.*not-the-password).*$/s);
  expect(await metrics.metrics()).toContain('rabbitmq_connection_failures_total{connection="consume"} 1');
  expect(await metrics.metrics()).toContain('rabbitmq_connection_state{connection="consume"} 5');
  expect(await refused.healthCheck()).toBe(false);
});

test("a vhost that isn't there, and one that the user may not enter", async () => {
  const nowhere = provider(withLogin(broker.user, broker.password, "nowhere"));
  await expect(nowhere.initialize()).rejects.toEqual(code("vhost_refused"));
  await expect(nowhere.initialize()).rejects.toThrow(/doesn't open vhost "nowhere" to user "testbed"/);
  await broker.addUser({ name: "outsider", password: "outside", vhost: "/", configure: "", write: "", read: "" });
  await expect(provider(withLogin("outsider", "outside")).initialize()).rejects.toEqual(code("vhost_refused"));
});

test("nobody listens: a program gives up after its attempts, a service goes on until somebody does", async () => {
  const port = await freePort();
  const url = `amqp://${broker.user}:${broker.password}@127.0.0.1:${port}/${vhost.name}`;
  const metrics = new Registry();
  const program = provider(url, { lifetime: "program", maxReconnectAttempts: 3, metrics });
  await expect(program.initialize()).rejects.toThrow(`nothing listens on 127.0.0.1:${port}`);
  expect(await metrics.metrics()).toContain('rabbitmq_connection_failures_total{connection="consume"} 3');

  const proxy = await startFaultProxy({ target: broker });
  proxy.cut();
  const service = provider(`amqp://${broker.user}:${broker.password}@127.0.0.1:${proxy.port}/${vhost.name}`);
  const initialized = service.initialize();
  await proxy.heal();
  await initialized;
  await until("health", () => service.healthCheck());
  await service.close();
  await proxy.close();
});

test("a host that doesn't exist ends, and is named", async () => {
  const program = provider("amqp://u:p@no-such-host.invalid:5672", { lifetime: "program", maxReconnectAttempts: 2 });
  await expect(program.initialize()).rejects.toThrow(/no-such-host\.invalid/);
  await expect(program.initialize()).rejects.toEqual(code("unreachable"));
});

test("something else than a broker is an error that names it", async () => {
  const url = `amqp://u:p@127.0.0.1:${new URL(broker.managementUrl).port}`;
  const program = provider(url, { lifetime: "program", maxReconnectAttempts: 1, connectTimeoutMs: 2_000 });
  await expect(program.initialize()).rejects.toEqual(code("unreachable"));
});

test("a user without permissions is told which it lacks, and the rest goes on", async () => {
  const admin = provider(vhost.url, { prefix: "perm" });
  await admin.initialize();
  await admin.declare({ name: "tasks.t", kind: "task", groups: ["workers"] });
  await broker.addUser({ name: "may-nothing", password: "x1", vhost: vhost.name, configure: "", write: "", read: "" });
  await expect(provider(withLogin("may-nothing", "x1"), { prefix: "perm-new" }).initialize()).rejects.toThrow(
    /may not make perm-new\.tasks/,
  );
  await expect(provider(withLogin("may-nothing", "x1"), { prefix: "perm-new" }).initialize()).rejects.toEqual(
    code("permission_denied"),
  );

  // May make and consume what belongs to the prefix, and may not publish to its tasks.
  await broker.addUser({
    name: "consumer",
    password: "x2",
    vhost: vhost.name,
    configure: String.raw`perm\..*`,
    write: String.raw`perm\.(retry.*|return|tasks\.t|dlq)|amq\.default`,
    read: String.raw`perm\..*`,
  });
  const consumer = provider(withLogin("consumer", "x2"), { prefix: "perm" });
  await consumer.initialize();
  await consumer.declare({ name: "tasks.t", kind: "task", groups: ["workers"] });
  const refused = (group?: string) =>
    consumer.publish(
      "tasks.t",
      { type: "t", payload: 1 },
      { deadline: "20s", ...(group === undefined ? {} : { group }) },
    );
  const refusals = await Promise.allSettled([refused(), refused(), refused()]);
  for (const refusal of refusals)
    expect(refusal).toMatchObject({ status: "rejected", reason: { code: "permission_denied" } });
  await expect(refused()).rejects.toThrow('may not publish to exchange "perm.tasks"');
  // By the exchange of retries it may.
  await refused("workers");
  expect((await consumer.getQueueStats("tasks.t")).groups[0]?.ready).toBe(1);

  await broker.addUser({
    name: "blind",
    password: "x3",
    vhost: vhost.name,
    configure: String.raw`perm\..*`,
    write: ".*",
    read: String.raw`perm\.(?!tasks\.t).*`,
  });
  const blind = provider(withLogin("blind", "x3"), { prefix: "perm" });
  await blind.initialize();
  await blind.declare({ name: "tasks.t", kind: "task", groups: ["workers"] });
  await expect(blind.subscribe("tasks.t", () => {}, { group: "workers" })).rejects.toThrow(
    /may not consume perm\.tasks\.t/,
  );
});

test("TLS: a trusted certificate is taken, a foreign, an expired and a misnamed one each told", async () => {
  const port = broker.tlsPort ?? 0;
  const { ca, client } = certificates;
  const target = (tls: object, host = "localhost") =>
    resolveRabbitMQ({ url: `amqps://${broker.user}:${broker.password}@${host}:${port}/${vhost.name}`, tls });
  const good = provider("amqp://localhost", { target: target({ ca, cert: client.cert, key: client.key }) });
  await good.initialize();
  await until("health", () => good.healthCheck());

  const foreign = await testCertificates();
  const strange = provider("amqp://localhost", {
    target: target({ ca: foreign.ca, cert: client.cert, key: client.key }),
  });
  await expect(strange.initialize()).rejects.toEqual(code("tls_failed"));
  const misnamed = provider("amqp://localhost", {
    target: target({ ca, cert: client.cert, key: client.key, serverName: "mq.example.com" }),
  });
  await expect(misnamed.initialize()).rejects.toEqual(code("tls_failed"));
  await expect(misnamed.initialize()).rejects.toThrow(/mq\.example\.com|altname/);
  const stranger = provider("amqp://localhost", {
    target: target({ ca, cert: foreign.client.cert, key: foreign.client.key }),
    lifetime: "program",
    maxReconnectAttempts: 1,
  });
  await expect(stranger.initialize()).rejects.toMatchObject({ name: "MessagingError" });
});

test.each([
  [{ prefix: "Up" }, /prefix/],
  [{ managementUrl: "amqp://h" }, /management URL/],
  [{ maxUnconfirmed: 0 }, /maxUnconfirmed: expected a whole number from 1/],
  [{ heartbeatMs: Number.NaN }, /heartbeatMs/],
  [{ publishTimeoutMs: -1 }, /publishTimeoutMs/],
  [{ maxRedeliveries: 50 }, /maxRedeliveries: expected a whole number from 0 to 49/],
  [{ target: { ...resolveRabbitMQ({}), hosts: [] } }, /hosts/],
])("%o is refused before anything is connected", (changes, words) => {
  expect(() => createRabbitMQProvider(optionsFor(vhost.url, changes))).toThrow(words);
});

test("a cluster's list of hosts is gone through until one answers", async () => {
  const dead = await freePort();
  const url = `amqp://${broker.user}:${broker.password}@127.0.0.1:${dead},127.0.0.1:${broker.port}/${vhost.name}`;
  const service = provider(url, { random: () => 0 });
  await service.initialize();
  expect(await until("health", () => service.healthCheck())).toBe(true);
});
