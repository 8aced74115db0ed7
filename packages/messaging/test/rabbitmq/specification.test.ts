import { readFileSync } from "node:fs";
import { fileURLToPath } from "node:url";
import { eventually, freePort, startRabbitMQ, type TestRabbitMQ } from "@fleetwire/testbed";
import { Registry } from "prom-client";
import { afterAll, beforeAll, describe, expect, onTestFinished, test } from "vitest";
import { parse } from "yaml";
import { readQueueDefinitions, Reject, type QueueProvider } from "../../src/index.ts";
import { connectionStates, createRabbitMQProvider, rabbitmqDefaults } from "../../src/rabbitmq/index.ts";
import { durationMs } from "../../src/duration.ts";
import { freshPrefix, optionsFor } from "./harness.ts";

const configs = fileURLToPath(new URL("../../../../configs/", import.meta.url));

let broker: TestRabbitMQ;
let vhost: { name: string; url: string };

beforeAll(async () => {
  broker = await startRabbitMQ();
  vhost = await broker.createVhost();
}, 300_000);
afterAll(() => broker.close());

type Row = Record<string, unknown>;

/** What the management API lists of the vhost, under this prefix. */
async function listed(what: "exchanges" | "queues" | "policies", prefix: string): Promise<Row[]> {
  const rows = (await broker.api("GET", `/api/${what}/${vhost.name}`)) as Row[];
  return rows.filter(({ name }) => String(name).startsWith(`${prefix}.`));
}

/** Where messages of an exchange go; without the bindings that every queue has to the default exchange. */
async function bindings(prefix: string): Promise<string[]> {
  const rows = (await broker.api("GET", `/api/bindings/${vhost.name}`)) as Row[];
  return rows
    .filter(({ source, destination }) => source !== "" && String(destination).startsWith(`${prefix}.`))
    .map((row) => `${String(row["source"])} --${String(row["routing_key"])}--> ${String(row["destination"])}`)
    .toSorted();
}

function managementUrl(): string {
  const url = new URL(broker.managementUrl);
  url.username = broker.user;
  url.password = broker.password;
  return url.toString();
}

async function policies(prefix: string): Promise<Row> {
  return Object.fromEntries((await listed("policies", prefix)).map(({ name, definition }) => [name, definition]));
}

/** The value of a series as it is scraped, such as `queue_depth{queue="q",group="g"}`; labels in any order. */
function value(text: string, series: string): number | undefined {
  const [, name = "", labels = ""] = /^(\w+)(?:\{(.*)\})?$/.exec(series) ?? [];
  const wanted = labels.split(",").toSorted().join(",");
  for (const line of text.split("\n")) {
    const [, itsName, itsLabels = "", number] = /^(\w+)(?:\{(.*)\})? (\S+)$/.exec(line) ?? [];
    if (itsName === name && itsLabels.split(",").toSorted().join(",") === wanted) return Number(number);
  }
  return undefined;
}

async function openProvider(...args: Parameters<typeof optionsFor>): Promise<QueueProvider> {
  const provider = createRabbitMQProvider(optionsFor(...args));
  onTestFinished(() => provider.close({ deadline: "1s" }));
  await provider.initialize();
  return provider;
}

const dlq = { "x-dead-letter-exchange": "", "x-dead-letter-routing-key": "helixagent.dlq" };
const safeHop = {
  "x-queue-type": "quorum",
  "x-overflow": "reject-publish",
  "x-dead-letter-strategy": "at-least-once",
};
const group = { ...safeHop, ...dlq, "x-delivery-limit": 50 };
const withPriority = { "x-queue-type": "classic", "x-max-priority": 10, "x-overflow": "reject-publish", ...dlq };
const rung = (ttl: number, length: number) => ({
  ...safeHop,
  "x-dead-letter-exchange": "helixagent.return",
  "x-message-ttl": ttl,
  "x-max-length": length,
});

describe("the specified topology, under its prefix", () => {
  beforeAll(async () => {
    const provider = createRabbitMQProvider(optionsFor(vhost.url, { prefix: "helixagent" }));
    await provider.initialize();
    for (const definition of readQueueDefinitions(`${configs}queues.yaml`)) await provider.declare(definition);
    await provider.close();
  });

  test("its three exchanges, and of our own those for returns and one for each rung", async () => {
    const found = await listed("exchanges", "helixagent");
    const types = Object.fromEntries(found.map(({ name, type }) => [name, type]));
    expect(types).toEqual({
      "helixagent.tasks": "direct",
      "helixagent.events": "topic",
      "helixagent.notifications": "fanout",
      "helixagent.return": "direct",
      "helixagent.unreturned": "fanout",
      "helixagent.retry.250ms": "fanout",
      "helixagent.retry.500ms": "fanout",
      "helixagent.retry.1s": "fanout",
      "helixagent.retry.2s": "fanout",
      "helixagent.retry.4s": "fanout",
      "helixagent.retry.8s": "fanout",
      "helixagent.retry.16s": "fanout",
      "helixagent.retry.32s": "fanout",
      "helixagent.retry": "fanout",
    });
    for (const exchange of found) {
      const { name } = exchange;
      const alternate = name === "helixagent.return" ? { "alternate-exchange": "helixagent.unreturned" } : {};
      expect(exchange).toMatchObject({ durable: true, auto_delete: false, internal: false });
      expect(exchange["arguments"]).toEqual(alternate);
    }
  });

  test("its queues with each argument, and of our own the shorter rungs", async () => {
    const found = await listed("queues", "helixagent");
    const facts = Object.fromEntries(
      found.map(({ name, type, arguments: args }) => [name, { type, ...(args as Row) }]),
    );
    expect(facts).toEqual({
      // The table of task queues, and .priority of the diagram.
      "helixagent.tasks.background": { type: "quorum", ...group },
      "helixagent.tasks.llm": { type: "classic", ...withPriority },
      "helixagent.tasks.debate": { type: "quorum", ...group },
      "helixagent.tasks.verification": { type: "quorum", ...group },
      "helixagent.tasks.notifications": { type: "quorum", ...group },
      "helixagent.tasks.priority": { type: "classic", ...withPriority },
      // The diagram.
      "helixagent.events.debate": { type: "quorum", ...group },
      "helixagent.events.verify": { type: "quorum", ...group },
      "helixagent.events.audit": { type: "quorum", ...group },
      "helixagent.notifications.websocket": { type: "quorum", ...group },
      "helixagent.notifications.sse": { type: "quorum", ...group },
      "helixagent.notifications.webhooks": { type: "quorum", ...group },
      // The table of system queues: 7 days and 100,000, 60 s and 10,000.
      "helixagent.dlq": {
        type: "quorum",
        "x-queue-type": "quorum",
        "x-overflow": "reject-publish",
        "x-delivery-limit": 1_000_000_000,
        "x-message-ttl": 604_800_000,
        "x-max-length": 100_000,
      },
      "helixagent.retry": { type: "quorum", ...rung(60_000, 10_000) },
      // Ours: rungs for shorter delays.
      "helixagent.retry.250ms": { type: "quorum", ...rung(250, 100_000) },
      "helixagent.retry.500ms": { type: "quorum", ...rung(500, 100_000) },
      "helixagent.retry.1s": { type: "quorum", ...rung(1_000, 100_000) },
      "helixagent.retry.2s": { type: "quorum", ...rung(2_000, 100_000) },
      "helixagent.retry.4s": { type: "quorum", ...rung(4_000, 100_000) },
      "helixagent.retry.8s": { type: "quorum", ...rung(8_000, 100_000) },
      "helixagent.retry.16s": { type: "quorum", ...rung(16_000, 100_000) },
      "helixagent.retry.32s": { type: "quorum", ...rung(32_000, 100_000) },
    });
    for (const queue of found) expect(queue).toMatchObject({ durable: true, auto_delete: false, exclusive: false });
  });

  test("its bindings, the returns of our own, and nothing else", async () => {
    const groupQueues = [
      "tasks.background",
      "tasks.llm",
      "tasks.debate",
      "tasks.verification",
      "tasks.notifications",
      "tasks.priority",
      "events.debate",
      "events.verify",
      "events.audit",
      "notifications.websocket",
      "notifications.sse",
      "notifications.webhooks",
    ];
    const rungs = ["retry", ...["250ms", "500ms", "1s", "2s", "4s", "8s", "16s", "32s"].map((ms) => `retry.${ms}`)];
    const expected = [
      "helixagent.tasks --background--> helixagent.tasks.background",
      "helixagent.tasks --llm--> helixagent.tasks.llm",
      "helixagent.tasks --debate--> helixagent.tasks.debate",
      "helixagent.tasks --verification--> helixagent.tasks.verification",
      "helixagent.tasks --notifications--> helixagent.tasks.notifications",
      "helixagent.tasks --priority--> helixagent.tasks.priority",
      "helixagent.events --debate.#--> helixagent.events.debate",
      "helixagent.events --verify.#--> helixagent.events.verify",
      "helixagent.events --#--> helixagent.events.audit",
      "helixagent.notifications ----> helixagent.notifications.websocket",
      "helixagent.notifications ----> helixagent.notifications.sse",
      "helixagent.notifications ----> helixagent.notifications.webhooks",
      ...groupQueues.map((name) => `helixagent.return --helixagent.${name}--> helixagent.${name}`),
      ...rungs.map((name) => `helixagent.${name} ----> helixagent.${name}`),
      "helixagent.unreturned ----> helixagent.dlq",
    ];
    expect(await bindings("helixagent")).toEqual(expected.toSorted());
  });
});

describe("limits as policies, where the management API may be used", () => {
  test("no limit is an argument; each is a policy of its queue, and another one goes with another declaration", async () => {
    const prefix = freshPrefix();
    const provider = await openProvider(vhost.url, { prefix, managementUrl: managementUrl() });
    const jobs = { name: "tasks.jobs", kind: "task", groups: ["workers"] } as const;
    await provider.declare({ ...jobs, ttl: "1h", maxLength: 500 });

    const queues = await listed("queues", prefix);
    for (const { arguments: args } of queues) {
      expect(args).not.toHaveProperty("x-message-ttl");
      expect(args).not.toHaveProperty("x-max-length");
    }
    expect(await policies(prefix)).toEqual({
      [`${prefix}.tasks.jobs`]: { "message-ttl": 3_600_000, "max-length": 500 },
      // What comes back isn't limited in number: refused, it would hold up others.
      [`${prefix}.tasks.jobs.returns`]: { "message-ttl": 3_600_000 },
      [`${prefix}.dlq`]: { "message-ttl": 604_800_000, "max-length": 100_000 },
      [`${prefix}.retry`]: { "message-ttl": 60_000, "max-length": 10_000 },
      [`${prefix}.retry.250ms`]: { "message-ttl": 250, "max-length": 100_000 },
      [`${prefix}.retry.500ms`]: { "message-ttl": 500, "max-length": 100_000 },
      [`${prefix}.retry.1s`]: { "message-ttl": 1_000, "max-length": 100_000 },
      [`${prefix}.retry.2s`]: { "message-ttl": 2_000, "max-length": 100_000 },
      [`${prefix}.retry.4s`]: { "message-ttl": 4_000, "max-length": 100_000 },
      [`${prefix}.retry.8s`]: { "message-ttl": 8_000, "max-length": 100_000 },
      [`${prefix}.retry.16s`]: { "message-ttl": 16_000, "max-length": 100_000 },
      [`${prefix}.retry.32s`]: { "message-ttl": 32_000, "max-length": 100_000 },
    });

    await provider.declare({ ...jobs, ttl: "200ms" });
    expect(await policies(prefix)).toMatchObject({ [`${prefix}.tasks.jobs`]: { "message-ttl": 200 } });
    await provider.publish("tasks.jobs", { type: "waits-too-long", payload: 1 });
    await eventually(async () => (await provider.countDeadLetters()) === 1, {
      deadlineMs: 10_000,
      what: "the dead letter",
    });
    await provider.declare(jobs);
    expect(Object.keys(await policies(prefix))).not.toContain(`${prefix}.tasks.jobs`);
  });

  test("without it the limits are arguments, and others quarantine the queue", async () => {
    const prefix = freshPrefix();
    const provider = await openProvider(vhost.url, { prefix });
    const jobs = { name: "tasks.jobs", kind: "task", groups: ["workers"] } as const;
    await provider.declare({ ...jobs, ttl: "1h" });
    const queues = await listed("queues", prefix);
    expect(queues.find(({ name }) => name === `${prefix}.tasks.jobs`)).toMatchObject({
      arguments: { "x-message-ttl": 3_600_000 },
    });
    expect(await listed("policies", prefix)).toEqual([]);
    await expect(provider.declare({ ...jobs, ttl: "2h" })).rejects.toMatchObject({ code: "queue_quarantined" });
  });
});

describe("the specified settings", () => {
  const documented = {
    connect_timeout: "30s",
    heartbeat: "10s",
    max_reconnect_attempts: 10,
    reconnect_delay: "5s",
    publish_timeout: "10s",
    prefetch_count: 10,
  } as const;

  test("its numbers are the defaults", () => {
    expect(rabbitmqDefaults).toMatchObject({
      connectTimeoutMs: durationMs(documented.connect_timeout),
      heartbeatMs: durationMs(documented.heartbeat),
      maxReconnectAttempts: documented.max_reconnect_attempts,
      reconnectDelayMs: durationMs(documented.reconnect_delay),
      publishTimeoutMs: durationMs(documented.publish_timeout),
      prefetchCount: documented.prefetch_count,
    });
  });

  test("configs/messaging.yaml has all of its settings with these values; a password that works elsewhere isn't among them", () => {
    expect(parse(readFileSync(`${configs}messaging.yaml`, "utf8"))).toEqual({
      rabbitmq: {
        url: "${SIRIUS_RABBITMQ:-}",
        host: "${RABBITMQ_HOST:-localhost}",
        // Empty is the default: the port depends on TLS, the user on whether a certificate says who we are.
        port: "${RABBITMQ_PORT:-}",
        username: "${RABBITMQ_USER:-}",
        password: "${RABBITMQ_PASSWORD:-}",
        vhost: "${RABBITMQ_VHOST:-/}",
        prefix: "fleetwire", // ours
        ...documented,
        publisher_confirm: true,
        prefetch_global: false,
        tls: { enabled: false, cert_file: "", key_file: "", ca_file: "", skip_verify: false },
      },
    });
  });
});

describe("the specified metrics, after real traffic", () => {
  test("each is scraped by its name with what happened", async () => {
    const metrics = new Registry();
    const provider = await openProvider(vhost.url, { metrics });
    const retry = { maxRetries: 1, initial: "1ms", max: "1ms" } as const;
    await provider.declare({ name: "tasks.counted", kind: "task", groups: ["workers"], retry });
    await provider.declare({ name: "tasks.held", kind: "task", groups: ["workers"] });
    let runs = 0;
    await provider.subscribe(
      "tasks.counted",
      ({ message, attempt }) => {
        runs += 1;
        if (message.type === "bad") throw new Reject("no");
        if (message.type === "again" && attempt === 1) throw new Error("once");
      },
      { group: "workers" },
    );
    await provider.publishBatch(
      "tasks.counted",
      ["ok", "again", "bad"].map((type) => ({ type, payload: 1 })),
    );
    await eventually(() => runs === 4, { deadlineMs: 15_000, what: "four runs" });

    // One is being handled, one waits for it; the subscription is closed, and the second goes back.
    let handling = 0;
    const held = await provider.subscribe(
      "tasks.held",
      async ({ signal }) => {
        handling += 1;
        await new Promise((resolve) => signal.addEventListener("abort", resolve, { once: true }));
      },
      { group: "workers", concurrency: 1 },
    );
    await provider.publishBatch("tasks.held", [
      { type: "handled", payload: 1 },
      { type: "waits", payload: 2 },
    ]);
    const ready = async () => (await provider.getQueueStats("tasks.held")).groups[0]?.ready;
    await eventually(async () => handling === 1 && (await ready()) === 0, { deadlineMs: 15_000, what: "both here" });
    await held.close({ deadline: "400ms" });
    await eventually(async () => (await ready()) === 2, { deadlineMs: 15_000, what: "both back" });
    await eventually(async () => value(await metrics.metrics(), "rabbitmq_messages_acked_total") === 4, {
      deadlineMs: 15_000,
      what: "four acknowledgements",
    });

    const text = await metrics.metrics();
    const of = (series: string) => value(text, series);
    // Five to the queues, one to a rung, one to the dead letters.
    expect(of("rabbitmq_messages_published_total")).toBe(7);
    expect(of("rabbitmq_messages_consumed_total")).toBe(6);
    expect(of("rabbitmq_messages_acked_total")).toBe(4);
    expect(of("rabbitmq_messages_nacked_total")).toBe(1);
    expect(of('rabbitmq_messages_dead_lettered_total{reason="rejected"}')).toBe(1);
    expect(of("rabbitmq_publish_latency_seconds_count")).toBe(7);
    expect(of("rabbitmq_publish_latency_seconds_sum")).toBeGreaterThan(0);
    for (const connection of ["publish", "consume"]) {
      expect(of(`rabbitmq_connection_state{connection="${connection}"}`)).toBe(connectionStates.open);
      expect(of(`rabbitmq_connection_successes_total{connection="${connection}"}`)).toBe(1);
      expect(of(`rabbitmq_connection_failures_total{connection="${connection}"}`)).toBe(0);
    }
    const [help = ""] = /^# HELP rabbitmq_connection_state .*$/m.exec(text) ?? [];
    for (const [state, number] of Object.entries(connectionStates)) expect(help).toContain(`${number} ${state}`);

    expect(of('queue_messages_sent_total{queue="tasks.counted"}')).toBe(3);
    expect(of('queue_messages_received_total{queue="tasks.counted",group="workers"}')).toBe(4);
    expect(of('queue_depth{queue="tasks.held",group="workers"}')).toBe(2);
    expect(of('queue_depth{queue="tasks.counted",group="workers"}')).toBe(0);

    await provider.close();
    const after = await metrics.metrics();
    for (const connection of ["publish", "consume"])
      expect(value(after, `rabbitmq_connection_state{connection="${connection}"}`)).toBe(connectionStates.closed);
  });

  test("queue_depth says how deep the others are, when one queue was deleted at the broker", async () => {
    const metrics = new Registry();
    const prefix = freshPrefix();
    const provider = await openProvider(vhost.url, { prefix, metrics });
    for (const name of ["tasks.gone", "tasks.kept"])
      await provider.declare({ name, kind: "task", groups: ["workers"] });
    await broker.api("DELETE", `/api/queues/${vhost.name}/${prefix}.tasks.gone`);
    await provider.publish("tasks.kept", { type: "t", payload: 1 });
    expect(value(await metrics.metrics(), 'queue_depth{queue="tasks.kept",group="workers"}')).toBe(1);
  });

  test("attempts to connect that fail are counted, as many as a one-shot program makes", async () => {
    const metrics = new Registry();
    const nowhere = `amqp://nobody:nothing@127.0.0.1:${await freePort()}/`;
    const provider = createRabbitMQProvider(
      optionsFor(nowhere, { metrics, lifetime: "program", maxReconnectAttempts: 3, reconnectDelayMs: 20 }),
    );
    onTestFinished(() => provider.close());
    await expect(provider.initialize()).rejects.toMatchObject({ code: "unreachable" });
    const text = await metrics.metrics();
    expect(value(text, 'rabbitmq_connection_failures_total{connection="consume"}')).toBe(3);
    expect(value(text, 'rabbitmq_connection_successes_total{connection="consume"}')).toBe(0);
    expect(value(text, 'rabbitmq_connection_state{connection="consume"}')).toBe(connectionStates.failed);
  });
});
