import { crc32 } from "node:zlib";
import { context, propagation, ROOT_CONTEXT } from "@opentelemetry/api";
import { AsyncLocalStorageContextManager } from "@opentelemetry/context-async-hooks";
import { W3CTraceContextPropagator } from "@opentelemetry/core";
import { TracerProvider } from "@opentelemetry/sdk-trace";
import { startRabbitMQ, type TestRabbitMQ } from "@fleetwire/testbed";
import { afterAll, afterEach, beforeAll, beforeEach, describe, expect, test } from "vitest";
import { Reject, Retry, type DeliveryReport } from "../../src/index.ts";
import { headers } from "../../src/rabbitmq/codec.ts";
import type { RabbitMQOptions, RabbitMQProvider } from "../../src/rabbitmq/index.ts";
import { bands } from "../../src/rabbitmq/names.ts";
import { rungsOf } from "../../src/rabbitmq/rungs.ts";
import { until } from "../conformance/world.ts";
import { saidBy, type BarePeer } from "./bare-peer.ts";
import { openForeignWorld, plain, type ForeignWorld } from "./foreign-world.ts";
import { closedSet, readSource } from "./read-source.ts";

const page = readSource("../../docs/wire-format.md");

let broker: TestRabbitMQ;
let vhost: { name: string; url: string };
let world: ForeignWorld;
let prefix: string;
let provider: RabbitMQProvider;
let bare: BarePeer;

beforeAll(async () => {
  broker = await startRabbitMQ();
  vhost = await broker.createVhost();
}, 300_000);
afterAll(() => broker.close());

async function open(options: Partial<RabbitMQOptions> = {}): Promise<void> {
  world = await openForeignWorld(vhost.url, options);
  ({ prefix, provider, bare } = world);
}

const seconds = expect.any(Number) as number;

describe("the page has", () => {
  test.each(Object.values(headers))("the header %s", (name) => {
    expect(page).toMatch(new RegExp(`^\\| \`${name}(?:<name>)?\``, "m"));
  });

  test("each reason of a dead letter, and no other", () => {
    const reasons = closedSet("src/outcome.ts", "DeadLetterReason");
    expect(reasons.length).toBeGreaterThan(5);
    const [, table = ""] = /\| reason +\| meaning[^\n]*\n[^\n]*\n((?:\|[^\n]*\n)*)/.exec(page) ?? [];
    expect([...table.matchAll(/^\| `(\w+)`/gm)].map(([, reason = ""]) => reason).toSorted()).toEqual(
      reasons.toSorted(),
    );
  });

  test("each rung with what it holds", () => {
    for (const { name, maxLength } of rungsOf("fleetwire")) {
      expect(page).toMatch(new RegExp(`^\\| \`${name}\` .*\\| ${maxLength.toLocaleString("en")} +\\|$`, "m"));
    }
  });

  test("each field of a report, and each state", () => {
    const [, fields = ""] = /export interface DeliveryReport \{([^}]*)\}/.exec(readSource("src/reports.ts")) ?? [];
    const names = [...fields.matchAll(/^ {2}(\w+)\??:/gm)].map(([, name = ""]) => name);
    expect(names.length).toBeGreaterThan(8);
    for (const name of names) expect(page).toMatch(new RegExp(`^\\| \`${name}\` `, "m"));
    const [, states = ""] = /status: ([^;]*);/.exec(fields) ?? [];
    for (const [, state] of states.matchAll(/"(\w+)"/g)) expect(page).toContain(`\`${state}\``);
  });
});

describe("another program reads", () => {
  beforeEach(() => open());
  afterEach(() => world.close());

  test("a message with nothing but what it needs", async () => {
    const { name, physical, key } = await world.declared();
    await provider.publish(name, { type: "plain", payload: { n: 1 } });
    const message = await bare.take(physical);
    expect(message.fields).toMatchObject({ exchange: `${prefix}.tasks`, routingKey: key, redelivered: false });
    expect(saidBy(message)).toEqual({
      messageId: expect.stringMatching(/^[0-9a-f-]{36}$/) as string,
      type: "plain",
      contentType: "application/json",
      deliveryMode: 2,
      priority: 6,
      timestamp: seconds,
      headers: {},
    });
    expect(message.content.toString()).toBe('{"n":1}');
  });

  test("a message with everything", async () => {
    await world.close();
    const propagator = new W3CTraceContextPropagator();
    await open({ tracing: { tracer: new TracerProvider().getTracer("test"), propagator } });
    context.setGlobalContextManager(new AsyncLocalStorageContextManager().enable());
    const { name, physical } = await world.declared();
    const parent = { traceparent: "00-0af7651916cd43dd8448eb211c80319c-b7ad6b7169203331-01", tracestate: "vendor=1" };
    const getter = { get: (from: typeof parent, key: string) => from[key as "traceparent"], keys: Object.keys };
    const before = Date.now();
    try {
      await context.with(propagator.extract(ROOT_CONTEXT, parent, getter), () =>
        provider.publish(
          name,
          {
            id: "order-1",
            type: "order.placed",
            payload: new Uint8Array([0, 255]),
            priority: "urgent",
            companyId: "acme",
            key: "user-7",
            correlationId: "request-1",
            version: 2,
            metadata: { source: "shop", items: 3, test: false },
          },
          { ttl: "1m", maxRetries: 5 },
        ),
      );
    } finally {
      context.disable();
      propagation.disable();
    }
    const message = await bare.take(physical);
    expect(saidBy(message)).toEqual({
      messageId: "order-1",
      type: "order.placed",
      contentType: "application/octet-stream",
      deliveryMode: 2,
      priority: 9,
      timestamp: seconds,
      correlationId: "request-1",
      expiration: "60000",
      headers: {
        "fleetwire-company": "acme",
        "fleetwire-key": "user-7",
        "fleetwire-version": 2,
        "fleetwire-max-retries": 5,
        "fleetwire-expires-at": expect.any(String) as string,
        "fleetwire-meta-source": "shop",
        "fleetwire-meta-items": 3,
        "fleetwire-meta-test": false,
        traceparent: expect.stringMatching(/^00-0af7651916cd43dd8448eb211c80319c-[0-9a-f]{16}-01$/) as string,
        tracestate: "vendor=1",
      },
    });
    expect([...message.content]).toEqual([0, 255]);
    const { headers: own = {}, timestamp } = message.properties;
    const expiresAt = String(own["fleetwire-expires-at"]);
    expect(expiresAt).toMatch(/^\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d\.\d{3}Z$/);
    expect(Date.parse(expiresAt) - before).toBeGreaterThanOrEqual(60_000);
    expect(Math.abs(Number(timestamp) - before / 1_000)).toBeLessThan(60);
  });

  test("an event by its topic, a broadcast by its type, and what goes to one group by that queue's name", async () => {
    const events = { name: "user-events", kind: "event", groups: ["company", "mail"] } as const;
    await provider.declare(events);
    await provider.declare({ name: "notifications", kind: "broadcast", groups: ["sse"] });
    await provider.declare({ name: "alerts", kind: "broadcast", groups: ["archive"] });
    await provider.publish("user-events", { type: "user.registered", payload: 1 });
    await provider.publish("user-events", { type: "user.left", payload: 1 }, { group: "mail" });
    await provider.publish("notifications", { type: "fire", payload: 1 });
    await provider.publish("alerts", { type: "fire", payload: 1 });
    const from = async (queue: string) => {
      const { fields } = await bare.take(`${prefix}.${queue}`);
      return [fields.exchange, fields.routingKey];
    };
    const events1 = [`${prefix}.events`, "user-events.user.registered"];
    expect(await from("user-events.company")).toEqual(events1);
    expect(await from("user-events.mail")).toEqual(events1);
    expect(await from("user-events.mail")).toEqual(["", `${prefix}.user-events.mail`]);
    expect(await from("notifications.sse")).toEqual([`${prefix}.notifications`, "fire"]);
    expect(await from("alerts.archive")).toEqual([`${prefix}.alerts`, "fire"]);
  });

  test("each band by its key", async () => {
    const { name, physical, key } = await world.declared({ priority: "bands" });
    for (const priority of [0, 4, 5, 6, 7, 8, 9, 10]) await provider.publish(name, { type: "t", payload: 1, priority });
    const found: Record<string, unknown[]> = {};
    for (const { suffix } of bands) {
      for (const _ of [1, 2]) {
        const { fields, properties } = await bare.take(physical + suffix);
        expect(fields.routingKey).toBe(key + suffix);
        (found[suffix] ??= []).push(properties.priority);
      }
    }
    expect(found).toEqual({ ".urgent": [9, 10], ".high": [7, 8], "": [5, 6], ".low": [0, 4] });
  });

  test("each partition by the page's examples", async () => {
    const tasks = await world.declared({ ordered: { partitions: 4 } });
    const events = { name: "user-events", kind: "event", groups: ["company"], ordered: { partitions: 4 } } as const;
    await provider.declare(events);
    for (const key of ["user-7", "grüße"]) {
      const sum = crc32(Buffer.from(key, "utf8"));
      expect(page).toContain(`${sum.toLocaleString("en")} (\`0x${sum.toString(16)}\`)`);
      expect(sum % 4).toBe(1);
      await provider.publish(tasks.name, { type: "t", payload: 1, key });
      expect((await bare.take(`${tasks.physical}.1`)).fields.routingKey).toBe(`${tasks.key}.1`);
    }
    await provider.publish("user-events", { type: "user.registered", payload: 1, key: "user-7" });
    const { fields } = await bare.take(`${prefix}.user-events.1`);
    expect(fields.routingKey).toBe("user-events.1.user.registered");
    await provider.publish(tasks.name, { id: "without-a-key", type: "t", payload: 1 });
    await bare.take(`${tasks.physical}.${crc32("without-a-key") % 4}`);
  });

  test("a long delay and a long retry in the rung of 60 s, with what is left", async () => {
    const { name, physical } = await world.declared();
    await provider.publish(name, { id: "later", type: "t", payload: 1 }, { delay: "90s" });
    const delayed = await bare.take(`${prefix}.retry`);
    expect(delayed.fields).toMatchObject({ exchange: `${prefix}.retry`, routingKey: physical });
    expect(saidBy(delayed)).toMatchObject({ expiration: "60000", headers: { "fleetwire-delay-left": 30_000 } });

    const subscription = await provider.subscribe(
      name,
      () => {
        throw new Retry({ after: "61s" });
      },
      { group: "workers" },
    );
    await bare.publish(`${prefix}.return`, physical, "1", {
      ...plain,
      appId: "shop",
      headers: { "x-of-mine": "kept" },
    });
    const retried = await bare.take(`${prefix}.retry`);
    expect(retried.fields).toMatchObject({ exchange: `${prefix}.retry`, routingKey: physical });
    expect(saidBy(retried)).toEqual({
      messageId: "m1",
      deliveryMode: 2,
      appId: "shop",
      expiration: "60000",
      headers: { "x-of-mine": "kept", "fleetwire-attempt": 2, "fleetwire-delay-left": 1_000 },
    });
    await subscription.close();
  });

  test("a dead letter", async () => {
    const { name } = await world.declared();
    await provider.subscribe(
      name,
      () => {
        throw new Reject("no such user\nat all");
      },
      { group: "workers" },
    );
    await provider.publish(name, { id: "bad", type: "t", payload: { n: 1 }, companyId: "acme" });
    const letter = await bare.take(`${prefix}.dlq`);
    expect(letter.fields).toMatchObject({ exchange: "", routingKey: `${prefix}.dlq` });
    expect(saidBy(letter)).toEqual({
      messageId: "bad",
      type: "t",
      contentType: "application/json",
      deliveryMode: 2,
      priority: 6,
      timestamp: seconds,
      headers: {
        "fleetwire-company": "acme",
        "fleetwire-queue": name,
        "fleetwire-group": "workers",
        "fleetwire-reason": "rejected",
        "fleetwire-error": "no such user at all",
        "fleetwire-attempt": 1,
      },
    });
    expect(letter.content.toString()).toBe('{"n":1}');
  });

  test("reports on a tracking queue", async () => {
    await provider.declare({ name: "delivery-reports", kind: "task", groups: ["tracker"] });
    const { name } = await world.declared({ tracking: "delivery-reports" });
    await provider.subscribe(
      name,
      ({ message }) => {
        if (message.type === "bad") throw new Reject("no");
        if (message.type === "again") throw new Retry({ after: "30s", reason: "later" });
      },
      { group: "workers" },
    );
    for (const type of ["ok", "bad", "again"]) await provider.publish(name, { id: type, type, payload: 1 });
    const reports: DeliveryReport[] = [];
    await until("the three outcomes", async () => {
      const message = await bare.take(`${prefix}.delivery-reports`);
      expect(message.properties).toMatchObject({ type: "delivery.reports", contentType: "application/json" });
      const body = JSON.parse(message.content.toString()) as { reports: DeliveryReport[] };
      expect(Object.keys(body)).toEqual(["reports"]);
      reports.push(...body.reports.filter(({ status }) => status !== "processing"));
      return reports.length === 3;
    });
    const common = { queue: name, group: "workers", companyId: "default", attempt: 1 };
    const at = expect.stringMatching(/^\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d\.\d{3}Z$/) as string;
    const timed = { ...common, at, durationMs: seconds };
    expect(reports.toSorted((a, b) => a.messageId.localeCompare(b.messageId))).toEqual([
      { ...timed, messageId: "again", status: "retry", delayMs: 30_000, error: "later" },
      { ...timed, messageId: "bad", status: "failed", reason: "rejected", error: "no" },
      { ...timed, messageId: "ok", status: "completed" },
    ]);
  });
});
