import { startFaultProxy, type FaultProxy, type TestRabbitMQ } from "@fleetwire/testbed";
import { Registry } from "prom-client";
import { silentLog, type MessagingLog, type QueueProvider } from "../../src/index.ts";
import { createRabbitMQProvider, resolveRabbitMQ, type RabbitMQOptions } from "../../src/rabbitmq/index.ts";
import type { Harness } from "../conformance/world.ts";

let prefixes = 0;

/** A prefix that no other test of this process has: another prefix is another tenant. */
export function freshPrefix(): string {
  prefixes += 1;
  return `t${process.pid}-${prefixes}`;
}

/** Options for a provider on this broker, with short delays. */
export function optionsFor(url: string, changes: Partial<RabbitMQOptions> = {}): RabbitMQOptions {
  return {
    target: resolveRabbitMQ({ url }),
    prefix: freshPrefix(),
    log: process.env["FLEETWIRE_TEST_LOG"] === undefined ? silentLog : stderrLog,
    metrics: new Registry(),
    reconnectDelayMs: 200,
    maxMessageBytes: 65_536,
    maxRedeliveries: 3,
    ...changes,
  };
}

const say =
  (level: string) =>
  (fields: object, message: string): void =>
    void process.stderr.write(`${level} ${message} ${JSON.stringify(fields)}\n`);
const stderrLog: MessagingLog = { debug: say("debug"), info: say("info"), warn: say("warn"), error: say("error") };

/** Runs the conformance suite on brokers: each provider has a proxy of its own, so that it can be cut off. */
export function rabbitmqHarness(brokers: () => { nodes: readonly TestRabbitMQ[]; url: string }, name: string): Harness {
  const prefix = freshPrefix();
  const open = new Map<QueueProvider, FaultProxy>();
  return {
    name,
    open: async ({ tracing, metrics } = {}) => {
      const { nodes, url } = brokers();
      const [node] = nodes;
      if (node === undefined) throw new Error("there is no broker");
      const proxy = await startFaultProxy({ target: node });
      const provider = createRabbitMQProvider(
        optionsFor(viaProxy(url, proxy), {
          prefix,
          ...(tracing === undefined ? {} : { tracing }),
          ...(metrics === undefined ? {} : { metrics }),
        }),
      );
      open.set(provider, proxy);
      await provider.initialize();
      return provider;
    },
    closeAll: async () => {
      const all = [...open];
      open.clear();
      await Promise.all(all.map(([provider]) => provider.close({ deadline: "1s" })));
      await Promise.all(all.map(([, proxy]) => proxy.close()));
    },
    crash: async (provider) => {
      open.get(provider)?.cut();
    },
    restart: async () => {
      for (const node of brokers().nodes) await node.restart();
    },
  };
}

/** The same URL, through the proxy. */
export function viaProxy(url: string, { host, port }: { host: string; port: number }): string {
  const parsed = new URL(url);
  parsed.hostname = host;
  parsed.port = String(port);
  return parsed.toString();
}
