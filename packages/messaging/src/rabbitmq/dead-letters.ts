import type { ConsumeMessage } from "amqplib";
import type { DeadLetter } from "../provider.ts";
import type { DeadLetterReason } from "../outcome.ts";
import type { Queue } from "../queue-definition.ts";
import { decode, headers } from "./codec.ts";
import { ownerOf } from "./topology.ts";

const reasons: ReadonlySet<string> = new Set<DeadLetterReason>([
  "rejected",
  "attempts_exhausted",
  "crashed",
  "expired",
  "malformed",
  "unknown_version",
  "invalid_payload",
  "delivery_limit",
]);

/** Reads a dead letter: ours say their queue, group and reason; of the broker's own, its record of the death does. */
export function readDeadLetter(
  raw: ConsumeMessage,
  prefix: string,
  queues: readonly Queue[],
  reader: Queue,
): DeadLetter {
  const { message, attempt, unfit } = decode(raw, reader, 0);
  const own: Record<string, unknown> = raw.properties.headers ?? {};
  const death = lastDeath(own["x-death"]);
  const text = (name: string): string | null => {
    const value = own[name];
    return typeof value === "string" ? value : null;
  };
  // A consumer's decision is a fresh message without the broker's record; where there is one, our headers are older.
  const owner = death === undefined ? undefined : ownerOf(prefix, death.queue, queues);
  const said = (death === undefined ? text(headers.reason) : death.reason) ?? "";
  return {
    message,
    queue: death === undefined ? text(headers.queue) : (owner?.queue.name ?? null),
    // A listener without a group has none.
    group: (death === undefined ? text(headers.group) : owner?.group.name) || null,
    reason: isReason(said) ? said : unfit === null ? "rejected" : "malformed",
    error: death === undefined ? (text(headers.error) ?? unfit?.error ?? "") : `${said} in ${death.queue}`,
    attempt,
    body: raw.content,
  };
}

/** The broker's newest record comes first: an earlier one is of a rung that the message came through. */
function lastDeath(record: unknown): { queue: string; reason: string } | undefined {
  const [last]: unknown[] = Array.isArray(record) ? record : [];
  if (typeof last !== "object" || last === null || !("queue" in last) || !("reason" in last)) return undefined;
  return typeof last.queue === "string" && typeof last.reason === "string"
    ? { queue: last.queue, reason: last.reason }
    : undefined;
}

function isReason(text: string): text is DeadLetterReason {
  return reasons.has(text);
}
