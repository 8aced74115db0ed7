import type { TestRabbitMQ } from "../node.ts";

/** What the management API says of a node and of a quorum queue. */
interface NodeState {
  name: string;
  running: boolean;
  /** The nodes from which it was parted since it last started. */
  partitions?: string[];
}
interface QueueState {
  leader?: string;
  /** The nodes whose replicas are up. */
  online?: string[];
}

/** Whether each of the nodes says that all of them run, and that none is parted from another. */
export async function allTogether(nodes: readonly TestRabbitMQ[]): Promise<boolean> {
  const views = await Promise.all(nodes.map(runningAsSeenBy));
  return views.every((running) => running.length === nodes.length);
}

/** Names of the nodes that a node takes for running. */
export async function runningAsSeenBy(node: TestRabbitMQ): Promise<string[]> {
  const states = (await node.api("GET", "/api/nodes")) as NodeState[];
  return states.filter(({ running, partitions = [] }) => running && partitions.length === 0).map(({ name }) => name);
}

/** The node that leads the queue, as the first node says that answers; undefined while it is one that doesn't run. */
export async function runningLeader(
  nodes: readonly TestRabbitMQ[],
  vhost: string,
  queue: string,
): Promise<TestRabbitMQ | undefined> {
  const path = `/api/queues/${encodeURIComponent(vhost)}/${encodeURIComponent(queue)}`;
  const state = (await Promise.any(nodes.map((node) => node.api("GET", path)))) as QueueState;
  if (state.leader === undefined || !state.online?.includes(state.leader)) return undefined;
  return nodes.find((node) => node.nodeName === state.leader);
}
