import type { Redis } from "ioredis";
import type { SignalMessage } from "../signals.ts";
import { channelOf } from "./keys.ts";
import type { Valkey } from "./valkey.ts";

/** Publishing is cheap here: only what arrives in the same turn goes together. */
export const publishEveryMs = 1;

/** Brings signals to other servers. */
export function publishToServers(valkey: Valkey): (messages: readonly SignalMessage[]) => Promise<unknown> {
  return (messages) =>
    Promise.all(
      messages.map(({ serverId, text }) => valkey.command("PUBLISH", channelOf(valkey.prefix, serverId), text)),
    );
}

/** Hears this server's signals, on a connection of its own. It subscribes anew by itself when that comes back. */
export async function subscribe(redis: Redis, channel: string, hear: (text: string) => void): Promise<void> {
  redis.on("message", (from: string, text: string) => {
    if (from === channel) hear(text);
  });
  await redis.subscribe(channel);
}
