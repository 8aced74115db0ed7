import { startRabbitMQ, type TestRabbitMQ } from "@fleetwire/testbed";
import { afterAll, beforeAll } from "vitest";
import { rabbitmqDefaults } from "../../src/rabbitmq/index.ts";
import { rabbitmqCapabilities } from "../../src/rabbitmq/capabilities.ts";
import { providerConformance } from "../conformance/provider-conformance.ts";
import { rabbitmqHarness } from "./harness.ts";

let broker: TestRabbitMQ;
let url: string;

beforeAll(async () => {
  broker = await startRabbitMQ();
  ({ url } = await broker.createVhost());
}, 300_000);
afterAll(() => broker.close());

providerConformance(
  rabbitmqHarness(() => ({ nodes: [broker], url }), "RabbitMQ, one node"),
  rabbitmqCapabilities(rabbitmqDefaults.consumerTimeoutMs),
);
