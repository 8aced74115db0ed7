import type { Channel, ChannelModel } from "amqplib";
import { describeError, MessagingError } from "../errors.ts";
import type { ManagementApi } from "./management.ts";
import type { BindingSpec, QueueSpec, Topology } from "./topology.ts";

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
  limitsAsPolicies: boolean,
): Promise<Mismatches> {
  const mismatches = new Map<string, MessagingError>();
  const steps: { name: string; run: (channel: Channel) => Promise<unknown> }[] = [
    ...topology.exchanges.map(({ name, type, alternate }) => ({
      name,
      run: (channel: Channel) =>
        channel.assertExchange(name, type, {
          durable: true,
          ...(alternate === undefined ? {} : { alternateExchange: alternate }),
        }),
    })),
    ...topology.queues.map((spec) => ({
      name: spec.name,
      run: (channel: Channel) =>
        channel.assertQueue(spec.name, { durable: true, arguments: declaredArguments(spec, limitsAsPolicies) }),
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
  return mismatches;
}

/**
 * Has limits as policies, and removes bindings that nobody wants any more.
 *
 * @throws MessagingError `permission_denied`, `unreachable`.
 */
export async function applyPolicies(
  model: ChannelModel,
  topology: Topology,
  management: ManagementApi,
  mismatches: Mismatches,
): Promise<void> {
  let channel: Channel | undefined;
  for (const { name, limits } of topology.queues) {
    if (mismatches.has(name)) continue;
    await management.setLimits(name, limits);
    for (const { exchange, routingKey } of await staleBindings(name, topology, management)) {
      channel ??= await quietChannel(model);
      await channel.unbindQueue(name, exchange, routingKey);
    }
  }
  await channel?.close().catch(() => {});
}

/**
 * Bindings of a queue to this topology's exchanges that nobody wants any more, such as of a group that takes fewer topics
 * than before. AMQP can't list them: without the management API they stay.
 */
export async function staleBindings(
  queue: string,
  { bindings }: Topology,
  management: ManagementApi,
): Promise<BindingSpec[]> {
  const ours = new Set(bindings.map(({ exchange }) => exchange));
  const wanted = new Set(
    bindings.filter((one) => one.queue === queue).map(({ exchange, routingKey }) => `${exchange} ${routingKey}`),
  );
  const found = await management.bindingsOf(queue);
  return found.filter(({ exchange, routingKey }) => ours.has(exchange) && !wanted.has(`${exchange} ${routingKey}`));
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

/** What went wrong on such a channel, in our words. */
export function adminError(error: unknown): MessagingError {
  if (error instanceof MessagingError) return error;
  const code = error instanceof Error && "code" in error ? error.code : undefined;
  const words = describeError(error);
  if (code === 404)
    return new MessagingError("unknown_queue", `it isn't at the broker any more: declare it again (${words})`, {
      cause: error,
    });
  if (code === 403)
    return new MessagingError("permission_denied", `the user may not do that: ${words}`, { cause: error });
  return new MessagingError("unreachable", `RabbitMQ didn't answer: ${words}`, { cause: error });
}
