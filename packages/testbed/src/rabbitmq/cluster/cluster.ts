import { eventually } from "../../eventually.ts";
import { freePort } from "../../free-port.ts";
import { rabbitmqBinary } from "../binary.ts";
import { startEpmd } from "../epmd.ts";
import { startNode, type TestRabbitMQ } from "../node.ts";
import { createSecrets, type RabbitMQOptions } from "../rabbitmq.ts";
import { cutOff, heal } from "./partition.ts";
import { allTogether, runningLeader } from "./view.ts";

/**
 * Three nodes. One that loses both others stops itself until it sees them again (`pause_minority`); but one that was
 * paused for longer than the others wait for it doesn't notice, and stays parted from them until it is started anew.
 */
export interface TestRabbitMQCluster {
  /** Always in this order; user and password are the same on all of them. */
  readonly nodes: readonly [TestRabbitMQ, TestRabbitMQ, TestRabbitMQ];
  /** Makes an empty vhost of an unused name; the URL is that of the first node: see each node's `url`. */
  createVhost(): Promise<{ name: string; url: string }>;
  /**
   * The node on which a quorum queue's leader runs now.
   * @throws Error when no running node leads it in 30 s.
   */
  leaderOf(vhost: string, queue: string): Promise<TestRabbitMQ>;
  /**
   * Cuts a node off from the two others: its connections to them are dropped and refused from then on. Resolves when it
   * has paused, which closes its listeners for clients too, and the two others go on without it.
   * @throws Error when another node is cut off already, or that isn't so in 60 s.
   */
  isolate(node: TestRabbitMQ): Promise<void>;
  /**
   * Ends what {@link isolate} did, as a restart of that node does too. Resolves when all three run in one cluster; also
   * where none was isolated, such as after a node's `start`.
   * @throws Error when that isn't so in 60 s.
   */
  reunite(): Promise<void>;
  /** Ends them all and removes their folders. */
  close(): Promise<void>;
}

const names = ["rabbit1@localhost", "rabbit2@localhost", "rabbit3@localhost"] as const;
const joinDeadlineMs = 60_000;
const leaderDeadlineMs = 30_000;

/**
 * Starts a cluster of three nodes on 127.0.0.1, each with the options given; resolves when each of them says that all of
 * them run in it. A node that is silent for 4 to 8 s is down for the others.
 *
 * @throws Error as `startRabbitMQ` does, or when the cluster isn't complete in 60 s.
 */
export async function startRabbitMQCluster(options: RabbitMQOptions = {}): Promise<TestRabbitMQCluster> {
  await rabbitmqBinary(); // may install the port mapper too
  const epmd = await startEpmd();
  const secrets = createSecrets();
  const settings = { ...clusterSettings(), ...options.settings };
  const start = async (nodeName: string) =>
    startNode({
      nodeName,
      distributionPort: await freePort(),
      epmdPort: epmd.port,
      ...secrets,
      tls: options.tls,
      settings,
      erlangArgs: ["-kernel net_ticktime 6"],
    });

  const started: TestRabbitMQ[] = [];
  const close = async () => {
    await Promise.all(started.map((node) => node.close()));
    await epmd.close();
  };
  try {
    // At once: each looks for the others before it begins, and RabbitMQ 4 does so for minutes where there are none.
    const outcomes = await Promise.allSettled(names.map(start));
    for (const outcome of outcomes) if (outcome.status === "fulfilled") started.push(outcome.value);
    for (const outcome of outcomes) if (outcome.status === "rejected") throw outcome.reason;
    const nodes = started as [TestRabbitMQ, TestRabbitMQ, TestRabbitMQ];
    await becomeWhole(nodes);

    let isolated: TestRabbitMQ | undefined;
    const othersOf = (node: TestRabbitMQ) => nodes.filter((other) => other !== node);
    return {
      nodes,
      createVhost: () => nodes[0].createVhost(),
      leaderOf: (vhost, queue) => {
        const options = { deadlineMs: leaderDeadlineMs, intervalMs: 100, what: `the leader of ${queue}` };
        return eventually(() => runningLeader(nodes, vhost, queue), options);
      },
      isolate: async (node) => {
        if (isolated !== undefined) throw new Error(`${isolated.nodeName} is isolated already`);
        isolated = node;
        await cutOff(node, othersOf(node));
      },
      reunite: async () => {
        if (isolated !== undefined) await heal(isolated, othersOf(isolated));
        isolated = undefined;
        await becomeWhole(nodes);
      },
      close,
    };
  } catch (error) {
    await close();
    throw error;
  }
}

async function becomeWhole(nodes: readonly TestRabbitMQ[]): Promise<void> {
  const options = { deadlineMs: joinDeadlineMs, intervalMs: 100, what: "a whole cluster" };
  await eventually(() => allTogether(nodes), options);
  // Their start isn't complete before: see startNode.
  await Promise.all(nodes.map((node) => node.ctl("await_startup")));
}

function clusterSettings(): Record<string, string> {
  const nodes = names.map((name, at) => [`cluster_formation.classic_config.nodes.${at + 1}`, name]);
  return {
    "cluster_formation.peer_discovery_backend": "classic_config",
    ...Object.fromEntries(nodes),
    cluster_partition_handling: "pause_minority",
  };
}
