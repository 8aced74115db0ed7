import { randomBytes } from "node:crypto";
import { freePort } from "../free-port.ts";
import { rabbitmqBinary } from "./binary.ts";
import { startEpmd } from "./epmd.ts";
import { startNode, type TestRabbitMQ, type TlsOptions } from "./node.ts";

export interface RabbitMQOptions {
  /** More lines of rabbitmq.conf, such as `{ channel_max: "10", consumer_timeout: "60000" }`. */
  settings?: Record<string, string>;
  /** Opens a second listener, for TLS. */
  tls?: TlsOptions;
}

/**
 * Starts a private RabbitMQ broker with an empty folder, the management plugin and an administrator of its own (there is
 * no `guest`). The broker, its port mapper and its folder go when this process ends, however it ends. A missing program
 * is installed first where that is possible (see `rabbitmqBinary`).
 *
 * @throws Error that says what to install; or with the broker's last lines when it can't be started.
 */
export async function startRabbitMQ(options: RabbitMQOptions = {}): Promise<TestRabbitMQ> {
  await rabbitmqBinary(); // may install the port mapper too
  const epmd = await startEpmd();
  try {
    return await startNode({
      nodeName: "rabbit@localhost",
      distributionPort: await freePort(),
      epmdPort: epmd.port,
      ...createSecrets(),
      ...options,
      onClose: epmd.close,
    });
  } catch (error) {
    await epmd.close();
    throw error;
  }
}

/** What the nodes of a broker have in common. */
export function createSecrets() {
  return { cookie: randomBytes(20).toString("hex"), user: "testbed", password: randomBytes(20).toString("hex") };
}
