// A consumer in a process of its own: node consumer.ts <url> <prefix> <effects file> [native]. It writes a line for each delivery
// that it handles; a message of type "kill" ends it as kill -9 would.
import { appendFileSync } from "node:fs";
import { Registry } from "prom-client";
import { silentLog } from "../../../src/index.ts";
import { createRabbitMQProvider, resolveRabbitMQ } from "../../../src/rabbitmq/index.ts";

const [url = "", prefix = "", file = "", priority] = process.argv.slice(2);
const provider = createRabbitMQProvider({
  target: resolveRabbitMQ({ url }),
  prefix,
  log: silentLog,
  metrics: new Registry(),
  maxRedeliveries: 3,
});
await provider.initialize();
await provider.declare({
  name: "tasks.f",
  kind: "task",
  groups: ["workers"],
  priority: priority === "native" ? "native" : "none",
});
await provider.subscribe(
  "tasks.f",
  async ({ message, attempt, redeliveries }) => {
    if (message.type === "kill") process.kill(process.pid, "SIGKILL");
    if (message.type === "slow") await new Promise((resolve) => setTimeout(resolve, 20));
    appendFileSync(file, `${message.id} ${attempt} ${redeliveries}\n`);
  },
  { group: "workers", concurrency: 10 },
);
process.stdout.write("consuming\n");
