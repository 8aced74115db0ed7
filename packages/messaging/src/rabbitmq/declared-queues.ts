import type { ChannelModel } from "amqplib";
import { describeError, MessagingError } from "../errors.ts";
import type { MessagingLog } from "../log.ts";
import type { Queue, QueueDefinition } from "../queue-definition.ts";
import { resolveQueue } from "../resolve-queue.ts";
import { applyPolicies, applyTopology, type Mismatches } from "./apply-topology.ts";
import type { BrokerConnection } from "./connection.ts";
import type { ManagementApi } from "./management.ts";
import type { RabbitMQMetrics } from "./metrics.ts";
import type { RabbitMQTuning } from "./options.ts";
import { isThere } from "./plan-topology.ts";
import { refuseUnsupported } from "./refuse.ts";
import { queueTopology, refuseClash, systemTopology, type Topology } from "./topology.ts";

/** The queues that this process declared, and whether the broker has them as they are defined. */
export interface DeclaredQueues {
  /** Queues and exchanges that are left alone since their arguments differ. */
  readonly mismatches: Mismatches;
  /** @throws MessagingError `closed`, or what keeps the connection from being open. */
  readonly model: () => ChannelModel;
  /** Refuses what no reconnection will bring. @throws MessagingError `closed`, or why there never is a connection. */
  readonly refuseWithoutConnection: () => void;
  /** What every installation has. */
  readonly makeSystem: () => Promise<void>;
  readonly declare: (definition: QueueDefinition) => Promise<void>;
  /** Makes a declared queue again, where it is gone. @throws MessagingError `queue_quarantined` */
  readonly ensure: (queue: Queue) => Promise<void>;
  /** @throws MessagingError `unknown_queue` */
  readonly find: (name: string) => Queue;
  /** As `find`. @throws MessagingError `queue_quarantined` too */
  readonly sound: (name: string) => Queue;
  readonly all: () => readonly Queue[];
  readonly isSound: (queue: Queue) => boolean;
}

export function createDeclaredQueues(options: {
  prefix: string;
  tuning: RabbitMQTuning;
  connection: BrokerConnection;
  management: ManagementApi | null;
  metrics: RabbitMQMetrics;
  log: MessagingLog;
}): DeclaredQueues {
  const { prefix, tuning, connection, management, metrics, log } = options;
  const queues = new Map<string, Queue>();
  const mismatches = new Map<string, MessagingError>();
  const ensuring = new Map<string, Promise<void>>();
  let systemMade = false;

  // A broker that came back empty gets its topology again.
  connection.onOpen(() => {
    if (systemMade) void makeAgain();
  });

  async function makeAgain(): Promise<void> {
    try {
      await applyWhole(systemTopology(prefix));
      for (const queue of queues.values()) await applyWhole(queueTopology(prefix, queue));
    } catch (error) {
      log.warn({ err: describeError(error) }, "the topology couldn't be made again; the next connection tries it");
    }
  }

  function model(): ChannelModel {
    if (connection.model !== undefined) return connection.model;
    if (connection.state === "closed") throw new MessagingError("closed", "the provider is closed");
    throw (
      connection.problem ??
      new MessagingError("unreachable", "there is no connection to RabbitMQ: was initialize called?")
    );
  }

  function refuseWithoutConnection(): void {
    if (connection.state === "idle" || connection.state === "failed" || connection.state === "closed") model();
  }

  async function apply(topology: Topology): Promise<void> {
    const found = await applyTopology(model(), topology, management !== null);
    for (const { name } of [...topology.queues, ...topology.exchanges]) if (!found.has(name)) mismatches.delete(name);
    for (const [name, error] of found) {
      if (!mismatches.has(name))
        log.error(
          { code: error.code, physical: name, err: error.message },
          "a queue differs from its definition; the rest goes on",
        );
      mismatches.set(name, error);
    }
    metrics.quarantined.set(mismatches.size);
  }

  /** With its policies; a consumer that comes back does without: they are there, and the API may be away. */
  async function applyWhole(topology: Topology): Promise<void> {
    await apply(topology);
    if (management !== null) await applyPolicies(model(), topology, management, mismatches);
  }

  function troubleOf(queue: Queue): MessagingError | undefined {
    if (mismatches.size === 0) return undefined;
    const { queues: own, exchanges } = queueTopology(prefix, queue);
    return [...own, ...exchanges].map(({ name }) => mismatches.get(name)).find((trouble) => trouble !== undefined);
  }

  function refuseQuarantined(queue: Queue): void {
    const trouble = troubleOf(queue);
    if (trouble !== undefined) throw trouble;
  }

  /** With one group it had the bare name: that queue would go on getting messages that nobody takes. */
  async function refuseStranded(queue: Queue): Promise<void> {
    const bare = `${prefix}.${queue.name}`;
    if (queue.kind === "broadcast" || queueTopology(prefix, queue).queues.some(({ name }) => name === bare)) return;
    if (!(await isThere(model(), "queue", bare))) return;
    throw new MessagingError(
      "queue_quarantined",
      `queue ${queue.name}: ${bare} is at the broker, from when it had one group, or wasn't ordered; it would go on getting messages: have it emptied, delete it, and declare again`,
    );
  }

  function find(name: string): Queue {
    const queue = queues.get(name);
    if (queue !== undefined) return queue;
    throw new MessagingError(
      "unknown_queue",
      `there is no queue "${name}"; declared: ${[...queues.keys()].join(", ") || "none"}`,
    );
  }

  /** Several consumers of a queue ask at the same time, one for each of its partitions: once is enough. */
  function ensure(queue: Queue): Promise<void> {
    const known = ensuring.get(queue.name);
    if (known !== undefined) return known;
    const making = apply(queueTopology(prefix, queue))
      .then(() => refuseQuarantined(queue))
      .finally(() => ensuring.delete(queue.name));
    ensuring.set(queue.name, making);
    return making;
  }

  return {
    mismatches,
    model,
    refuseWithoutConnection,
    makeSystem: async () => {
      await applyWhole(systemTopology(prefix));
      systemMade = true;
    },
    declare: async (definition) => {
      const queue = resolveQueue(definition);
      refuseUnsupported(queue, tuning);
      refuseClash(prefix, queue, queues.values());
      if (queue.tracking !== null && (queues.get(queue.tracking)?.groups.length ?? 0) === 0) {
        throw new MessagingError(
          "invalid_definition",
          `queue ${queue.name}: its tracking queue "${queue.tracking}" isn't declared with a group: nobody would take its reports`,
        );
      }
      await refuseStranded(queue);
      await applyWhole(queueTopology(prefix, queue));
      queues.set(queue.name, queue);
      refuseQuarantined(queue);
    },
    ensure,
    find,
    sound: (name) => {
      const queue = find(name);
      refuseQuarantined(queue);
      return queue;
    },
    all: () => [...queues.values()],
    isSound: (queue) => troubleOf(queue) === undefined,
  };
}
