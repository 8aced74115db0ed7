import type { SignalMessage } from "../signals.ts";
import type { Sql } from "./sql.ts";

/** One NOTIFY per server and this long, at most. */
export const notifyEveryMs = 5;

/** The channel that this server listens on. */
export function channelOf(serverId: string): string {
  return `fleetwire_server_${serverId
    .toLowerCase()
    .replaceAll(/[^a-z0-9]/g, "")
    .slice(0, 40)}`;
}

const text = "SELECT pg_notify(c, p) FROM unnest($1::text[], $2::text[]) AS n(c, p)";

/** In a transaction of its own: inside the one that made the change, NOTIFY would serialise commits. */
export function notifyServers(sql: Sql): (messages: readonly SignalMessage[]) => Promise<unknown> {
  return (messages) => {
    const values = [messages.map(({ serverId }) => channelOf(serverId)), messages.map((message) => message.text)];
    return sql.rows({ name: "notify", text, values });
  };
}
