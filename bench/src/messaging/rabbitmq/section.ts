import type { MessagingLog, QueueDefinition, Tracing } from "@fleetwire/messaging";
import { createRabbitMQProvider, resolveRabbitMQ, type RabbitMQProvider } from "@fleetwire/messaging/rabbitmq";
import { startRabbitMQ, type TestRabbitMQ } from "@fleetwire/testbed";
import { Registry } from "prom-client";
import type { BenchOptions } from "../../options.ts";
import { machine, type Figure } from "../../report.ts";
import type { Contest } from "../contest.ts";
import { inbox } from "../features/inbox.ts";
import { reports } from "../features/reports.ts";
import { traces } from "../features/traces.ts";
import { idle } from "../idle.ts";
import * as payloads from "../payload.ts";
import { unconfirmed } from "../rates.ts";
import { group, ourSide } from "../side.ts";
import { jsonThroughput, throughput } from "../throughput.ts";
import { bareSide } from "./bare.ts";
import { copyQueue, expectSameOnWire } from "./same-work.ts";

const kinds: readonly { name: string; queue: string; priority: QueueDefinition["priority"] }[] = [
  { name: "quorum", queue: "quorum, one node", priority: "none" },
  { name: "classic", queue: "classic, x-max-priority 10", priority: "native" },
];

const settings = {
  // The testbed's 1 GB is for tests: a broker that is out of memory takes nothing, and nothing else is measured here.
  "vm_memory_high_watermark.absolute": "6GB",
  collect_statistics_interval: "5000", // its default, which the testbed changes
};
const prefix = "bench";

/** Ours against bare amqplib, on a quorum queue and on a classic one of a private broker. */
export async function rabbitmqSection({ root, quick, say }: BenchOptions): Promise<Figure[]> {
  const rounds = quick ? 3 : 5;
  const broker = await startRabbitMQ({ settings });
  const conditions = {
    ...machine(root),
    rounds,
    broker: `RabbitMQ ${broker.version}, one node on this machine, 2 schedulers, memory limit 6 GB, fsync as shipped`,
    peer: "bare amqplib, two connections",
  };
  const rows: Figure[] = [];
  for (const { name, queue, priority } of kinds) {
    const definition: QueueDefinition = { name: "tasks.bench", kind: "task", groups: [group], priority };
    const base = { label: `rabbitmq ${name}`, definition, quick, rounds, conditions: { ...conditions, queue }, say };
    const contest = await prepare(broker, base);
    rows.push(...(await throughput(contest)), ...(await idle(contest)));
    if (!quick) {
      rows.push(...(await jsonThroughput(contest)));
      rows.push(await reports(contest), await traces(contest), ...(await inbox(contest)));
    }
    await contest.close();
  }
  await broker.close();
  return rows;
}

/** Both sides on a vhost of their own, with queues of the same kind. */
async function prepare(
  broker: TestRabbitMQ,
  base: Omit<Contest, "ours" | "bare" | "open">,
): Promise<Contest & { close(): Promise<void> }> {
  const { definition, say } = base;
  const vhost = await broker.createVhost();
  const open = (tracing?: Tracing): Promise<RabbitMQProvider> => openProvider(vhost.url, say, tracing);
  const provider = await open();
  await provider.declare(definition);
  const ours = ourSide(provider, definition.name);

  const ourQueue = `${prefix}.${definition.name}`;
  const bareQueue = { name: `bare.${definition.name}`, exchange: "bare", routingKey: "bench" };
  await copyQueue(broker, vhost.name, ourQueue, bareQueue);
  const bare = await bareSide(vhost.url, bareQueue);
  for (const payload of [payloads.bytes, payloads.json])
    await expectSameOnWire(vhost.url, { side: ours, queue: ourQueue }, { side: bare, queue: bareQueue.name }, payload);

  return {
    ...base,
    ours,
    bare,
    open,
    close: async () => {
      await Promise.all([provider.close(), bare.close()]);
      await broker.deleteVhost(vhost.name);
    },
  };
}

async function openProvider(
  url: string,
  say: (line: string) => void,
  tracing: Tracing | undefined,
): Promise<RabbitMQProvider> {
  const tell = (fields: object, message: string): void => say(`${message} ${JSON.stringify(fields)}`);
  const log: MessagingLog = { debug() {}, info() {}, warn: tell, error: tell };
  const provider = createRabbitMQProvider({
    target: resolveRabbitMQ({ url }),
    prefix,
    log,
    metrics: new Registry(),
    maxUnconfirmed: unconfirmed,
    ...(tracing === undefined ? {} : { tracing }),
  });
  await provider.initialize();
  return provider;
}
