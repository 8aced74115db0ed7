import type { QueueDefinition } from "../../src/index.ts";
import { createRabbitMQProvider, type RabbitMQOptions, type RabbitMQProvider } from "../../src/rabbitmq/index.ts";
import { uniqueQueue } from "../conformance/world.ts";
import { openBarePeer, type BarePeer } from "./bare-peer.ts";
import { freshPrefix, optionsFor } from "./harness.ts";

/** Ours on one side, another program on the other, with queues that no other test has. */
export interface ForeignWorld {
  readonly prefix: string;
  readonly provider: RabbitMQProvider;
  readonly bare: BarePeer;
  /** Declares a queue: its name, the name of its group's queue at the broker, and the routing key of a task. */
  declared(changes?: Partial<QueueDefinition>): Promise<{ name: string; physical: string; key: string }>;
  close(): Promise<void>;
}

export async function openForeignWorld(url: string, options: Partial<RabbitMQOptions> = {}): Promise<ForeignWorld> {
  const prefix = freshPrefix();
  const provider = createRabbitMQProvider(optionsFor(url, { prefix, ...options }));
  await provider.initialize();
  const bare = await openBarePeer(url);
  return {
    prefix,
    provider,
    bare,
    declared: async (changes = {}) => {
      const definition = uniqueQueue(changes);
      await provider.declare(definition);
      const { name } = definition;
      return { name, physical: `${prefix}.${name}`, key: name.replace(/^tasks\./, "") };
    },
    close: async () => {
      await bare.close();
      await provider.close({ deadline: "1s" });
    },
  };
}

/** The least that a message of another program has. */
export const plain = { deliveryMode: 2, messageId: "m1" } as const;
