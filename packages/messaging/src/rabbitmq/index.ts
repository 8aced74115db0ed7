export { rabbitmqOptionsFrom, type RabbitMQSettings } from "./from-settings.ts";
export { createRabbitMQProvider, type RabbitMQProvider } from "./provider.ts";
export {
  rabbitmqDefaults,
  type RabbitMQOptions,
  type RabbitMQTarget,
  type RabbitMQTls,
  type RabbitMQTuning,
} from "./options.ts";
export { resolveRabbitMQ, type RabbitMQTargetInput } from "./target.ts";
export { connectionStates } from "./metrics.ts";
export type { ConnectionState } from "./connection.ts";
export type { TopologyChange } from "./plan-topology.ts";
