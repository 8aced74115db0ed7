import { readdirSync } from "node:fs";
import { afterAll, beforeAll, beforeEach, expect, test, vi } from "vitest";
import {
  eventually,
  startRabbitMQCluster,
  tempDir,
  type TestRabbitMQ,
  type TestRabbitMQCluster,
} from "../src/index.ts";
import { childrenOf } from "../src/process/process-tree.ts";

// A machine without the program installs it first.
const installMs = 300_000;
const deadlineMs = 60_000;
const queue = "jobs";

let temporary: string;
let childrenBefore: number[];
let cluster: TestRabbitMQCluster;
let vhost: string;

beforeAll(async () => {
  temporary = tempDir("a temporary folder");
  vi.stubEnv("TMPDIR", temporary);
  childrenBefore = await childrenOf(process.pid);
  cluster = await startRabbitMQCluster({ settings: { channel_max: "10" } });
}, installMs);
beforeEach(async () => {
  vhost = (await cluster.createVhost()).name;
  const quorum = { durable: true, arguments: { "x-queue-type": "quorum" } };
  await cluster.nodes[0].api("PUT", `/api/queues/${vhost}/${queue}`, quorum);
});
afterAll(async () => {
  vi.unstubAllEnvs();
  await cluster.close();
});

async function publish(node: TestRabbitMQ, payload: string): Promise<void> {
  const message = { routing_key: queue, payload, payload_encoding: "string", properties: { delivery_mode: 2 } };
  expect(await node.api("POST", `/api/exchanges/${vhost}/amq.default/publish`, message)).toEqual({ routed: true });
}

async function messagesFrom(node: TestRabbitMQ): Promise<string[]> {
  const request = { count: 10, ackmode: "ack_requeue_true", encoding: "auto" };
  const messages = (await node.api("POST", `/api/queues/${vhost}/${queue}/get`, request)) as { payload: string }[];
  return messages.map(({ payload }) => payload);
}

async function runningOn(node: TestRabbitMQ): Promise<string[]> {
  const states = (await node.api("GET", "/api/nodes")) as { name: string; running: boolean }[];
  return states.filter(({ running }) => running).map(({ name }) => name);
}

/** The nodes on which the queue has a replica that is up, as another than the node says. */
async function replicasBeside(node: TestRabbitMQ): Promise<string[]> {
  const { online } = (await otherThan(node).api("GET", `/api/queues/${vhost}/${queue}`)) as { online: string[] };
  return online;
}

function otherThan(node: TestRabbitMQ): TestRabbitMQ {
  const other = cluster.nodes.find((candidate) => candidate !== node);
  if (other === undefined) throw new Error("a cluster has other nodes");
  return other;
}

async function anotherLeader(before: TestRabbitMQ): Promise<TestRabbitMQ> {
  const next = async () => {
    const now = await cluster.leaderOf(vhost, queue);
    return now !== before && now;
  };
  return eventually(next, { deadlineMs, what: "another leader" });
}

test("has three nodes with the settings given, one set of users and vhosts, and replicas on each", async () => {
  const names = cluster.nodes.map(({ nodeName }) => nodeName);
  expect(new Set(names).size).toBe(3);
  for (const node of cluster.nodes) {
    expect((await runningOn(node)).toSorted()).toEqual(names);
    expect(await node.ctl("eval", "application:get_env(rabbit, channel_max).")).toBe("{ok,10}");
    expect(node).toMatchObject({ user: cluster.nodes[0].user, password: cluster.nodes[0].password });
  }
  const { name, url } = await cluster.createVhost();
  expect(url).toBe(cluster.nodes[0].url(name));
  await publish(cluster.nodes[1], "by the second node");
  expect(await messagesFrom(cluster.nodes[2])).toEqual(["by the second node"]);
  expect((await replicasBeside(cluster.nodes[0])).toSorted()).toEqual(names);
});

test("a killed leader is replaced, and comes back as one of three", async () => {
  const killed = await cluster.leaderOf(vhost, queue);
  await publish(killed, "before");
  await killed.kill9();
  const successor = await anotherLeader(killed);
  expect(await messagesFrom(successor)).toEqual(["before"]);

  await killed.start();
  await eventually(async () => (await replicasBeside(killed)).length === 3, { deadlineMs, what: "three replicas" });
  expect(await runningOn(killed)).toHaveLength(3);
  expect(await messagesFrom(killed)).toEqual(["before"]);
});

test("an isolated leader pauses while the two others go on, and joins them again", async () => {
  const isolated = await cluster.leaderOf(vhost, queue);
  await publish(isolated, "before");
  await cluster.isolate(isolated);
  await expect(isolated.api("GET", "/api/overview")).rejects.toThrow(/fetch failed/);
  await expect(cluster.isolate(otherThan(isolated))).rejects.toThrow(`${isolated.nodeName} is isolated already`);

  const successor = await anotherLeader(isolated);
  expect((await runningOn(successor)).toSorted()).toEqual(
    cluster.nodes.filter((node) => node !== isolated).map(({ nodeName }) => nodeName),
  );
  await publish(successor, "meanwhile");

  await cluster.reunite();
  for (const node of cluster.nodes) {
    expect(await runningOn(node)).toHaveLength(3);
    expect(await messagesFrom(node)).toEqual(["before", "meanwhile"]);
  }
});

test("a paused leader is replaced, and joins the others after a restart", async () => {
  const paused = await cluster.leaderOf(vhost, queue);
  await publish(paused, "before");
  await paused.pause();
  const successor = await anotherLeader(paused);
  expect(await messagesFrom(successor)).toEqual(["before"]);

  await paused.kill9();
  await paused.start();
  await cluster.reunite();
  expect(await messagesFrom(paused)).toEqual(["before"]);
});

test("close ends every process of it and removes the folders", async () => {
  expect(readdirSync(temporary)).toHaveLength(3);
  expect(await childrenOf(process.pid)).toHaveLength(childrenBefore.length + 4);
  await cluster.close();
  expect(readdirSync(temporary)).toEqual([]);
  expect(await childrenOf(process.pid)).toEqual(childrenBefore);
});
