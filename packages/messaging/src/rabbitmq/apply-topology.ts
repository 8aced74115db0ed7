import type { Channel, ChannelModel } from "amqplib";
import { describeError, MessagingError } from "../errors.ts";
import type { ManagementApi } from "./management.ts";
import type { QueueSpec, Topology } from "./topology.ts";

/** What was wrong with the queues that couldn't be made as they are defined. */
export type Mismatches = ReadonlyMap<string, MessagingError>;

/** Every argument of a declaration: with the limits among them where no policy can hold them. */
export function declaredArguments(
  spec: QueueSpec,
  limitsAsPolicies: boolean,
): Record<string, string | number | boolean> {
  if (limitsAsPolicies) return { ...spec.fixed };
  return {
    ...spec.fixed,
    ...Object.fromEntries(Object.entries(spec.limits).map(([name, value]) => [`x-${name}`, value])),
  };
}

/**
 * Makes exchanges, queues and bindings, where they aren't there. A queue or exchange that is there with other arguments
 * (406) is left as it is and told; the rest goes on.
 *
 * @throws MessagingError `permission_denied`, or `unreachable` when the connection is lost meanwhile.
 */
export async function applyTopology(
  model: ChannelModel,
  topology: Topology,
  management: ManagementApi | null,
): Promise<Mismatches> {
  const mismatches = new Map<string, MessagingError>();
  const steps: { name: string; run: (channel: Channel) => Promise<unknown> }[] = [
    ...topology.exchanges.map(({ name, type }) => ({
      name,
      run: (channel: Channel) => channel.assertExchange(name, type, { durable: true }),
    })),
    ...topology.queues.map((spec) => ({
      name: spec.name,
      run: (channel: Channel) =>
        channel.assertQueue(spec.name, { durable: true, arguments: declaredArguments(spec, management !== null) }),
    })),
    ...topology.bindings.map(({ exchange, queue, routingKey }) => ({
      name: queue,
      run: (channel: Channel) => channel.bindQueue(queue, exchange, routingKey),
    })),
  ];
  let channel: Channel | undefined;
  for (const { name, run } of steps) {
    if (mismatches.has(name)) continue;
    channel ??= await quietChannel(model);
    try {
      await run(channel);
    } catch (error) {
      channel = undefined; // the broker closed it
      mismatches.set(name, mismatchOf(name, error));
    }
  }
  await channel?.close().catch(() => {});
  if (management !== null) for (const spec of topology.queues) await management.setLimits(spec.name, spec.limits);
  return mismatches;
}

function mismatchOf(name: string, error: unknown): MessagingError {
  const code = error instanceof Error && "code" in error ? error.code : undefined;
  const words = describeError(error);
  if (code === 406) {
    return new MessagingError(
      "queue_quarantined",
      `${name} is at the broker with other arguments than its definition has, and is left alone: ${words.replace(/^.*?PRECONDITION_FAILED - /, "").replace(/"$/, "")}`,
      { cause: error },
    );
  }
  if (code === 403)
    throw new MessagingError("permission_denied", `the user may not make ${name}: ${words}`, { cause: error });
  throw new MessagingError("unreachable", `${name} couldn't be made: ${words}`, { cause: error });
}

/** A channel for administration: closed by whatever goes wrong on it, and apart from those that carry messages. */
export async function quietChannel(model: ChannelModel): Promise<Channel> {
  const channel = await model.createChannel();
  channel.on("error", () => {}); // the call that caused it rejects
  return channel;
}
