// Run by rabbitmq.test.ts, which ends it from outside: owns a broker that is stopped.
import { startRabbitMQ } from "../../src/index.ts";

const rabbitmq = await startRabbitMQ();
await rabbitmq.pause();
process.stdout.write(`paused ${rabbitmq.pid}\n`);
