import { startRabbitMQCluster, type TestRabbitMQCluster } from "@fleetwire/testbed";
import { afterAll, beforeAll } from "vitest";
import { rabbitmqCapabilities } from "../../src/rabbitmq/capabilities.ts";
import { rabbitmqDefaults } from "../../src/rabbitmq/index.ts";
import { providerConformance } from "../conformance/provider-conformance.ts";
import { rabbitmqHarness } from "./harness.ts";

let cluster: TestRabbitMQCluster;
let vhost: { name: string; url: string };

beforeAll(async () => {
  cluster = await startRabbitMQCluster();
  vhost = await cluster.createVhost();
}, 300_000);
afterAll(() => cluster.close());

providerConformance(
  rabbitmqHarness(() => ({ nodes: cluster.nodes, url: vhost.url }), "RabbitMQ, three nodes"),
  rabbitmqCapabilities(rabbitmqDefaults.consumerTimeoutMs),
);
