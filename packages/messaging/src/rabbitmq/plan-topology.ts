import type { ChannelModel } from "amqplib";
import { declaredArguments, quietChannel, staleBindings } from "./apply-topology.ts";
import type { ManagementApi } from "./management.ts";
import type { QueueSpec, Topology } from "./topology.ts";

/** One difference between what is wanted and what is at the broker. */
export type TopologyChange =
  | { readonly kind: "create"; readonly what: "exchange" | "queue"; readonly name: string }
  /** Declaring can't change it: the queue has to be emptied, deleted and made again. */
  | {
      readonly kind: "mismatch";
      readonly name: string;
      readonly argument: string;
      readonly wanted: unknown;
      readonly found: unknown;
    }
  /** Declaring removes it: the group doesn't take these any more. */
  | { readonly kind: "unbind"; readonly name: string; readonly exchange: string; readonly routingKey: string }
  /** It is at the broker, under our prefix, and no definition wants it. Left alone. */
  | { readonly kind: "unwanted"; readonly name: string; readonly messages: number }
  /** It is there; whether its arguments fit can only be read by the management API. */
  | { readonly kind: "unchecked"; readonly name: string };

/** Compares, and changes nothing. */
export async function planTopology(
  model: ChannelModel,
  topologies: readonly Topology[],
  prefix: string,
  management: ManagementApi | null,
): Promise<TopologyChange[]> {
  const changes: TopologyChange[] = [];
  for (const { name } of topologies.flatMap(({ exchanges }) => exchanges)) {
    if (!(await isThere(model, "exchange", name))) changes.push({ kind: "create", what: "exchange", name });
  }
  const wanted = topologies.flatMap((topology) => topology.queues.map((spec) => ({ spec, topology })));
  if (management === null) {
    for (const {
      spec: { name },
    } of wanted) {
      changes.push(
        (await isThere(model, "queue", name)) ? { kind: "unchecked", name } : { kind: "create", what: "queue", name },
      );
    }
    return changes;
  }
  const found = new Map((await management.queues(`${prefix}.`)).map((queue) => [queue.name, queue]));
  for (const { spec, topology } of wanted) {
    const queue = found.get(spec.name);
    if (queue === undefined) changes.push({ kind: "create", what: "queue", name: spec.name });
    else {
      changes.push(...differences(spec, queue.arguments));
      for (const { exchange, routingKey } of await staleBindings(spec.name, topology, management)) {
        changes.push({ kind: "unbind", name: spec.name, exchange, routingKey });
      }
    }
    found.delete(spec.name);
  }
  for (const { name, messages } of found.values()) changes.push({ kind: "unwanted", name, messages });
  return changes;
}

function differences(spec: QueueSpec, broker: Readonly<Record<string, unknown>>): TopologyChange[] {
  // Up to 3.x a classic queue says nothing of its type.
  const wanted: Record<string, unknown> = { "x-queue-type": "classic", ...declaredArguments(spec, true) };
  const found: Record<string, unknown> = { "x-queue-type": "classic", ...broker };
  const names = new Set([...Object.keys(wanted), ...Object.keys(found)]);
  return [...names]
    .filter((name) => wanted[name] !== found[name])
    .map((argument) => ({
      kind: "mismatch",
      name: spec.name,
      argument,
      wanted: wanted[argument],
      found: found[argument],
    }));
}

/** Asks for it without making it. */
export async function isThere(model: ChannelModel, what: "exchange" | "queue", name: string): Promise<boolean> {
  const channel = await quietChannel(model);
  try {
    await (what === "exchange" ? channel.checkExchange(name) : channel.checkQueue(name));
  } catch (error) {
    if (error instanceof Error && "code" in error && error.code === 404) return false;
    throw error;
  }
  await channel.close();
  return true;
}
