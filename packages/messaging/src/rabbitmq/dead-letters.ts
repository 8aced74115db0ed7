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
  const text = (name: string): string | null => {
    const value = own[name];
    return typeof value === "string" ? value : null;
  };
  const physical = text("x-first-death-queue");
  const owner = physical === null ? undefined : ownerOf(prefix, physical, queues);
  const said = text(headers.reason) ?? text("x-first-death-reason") ?? "";
  return {
    message,
    queue: text(headers.queue) ?? owner?.queue.name ?? null,
    group: text(headers.group) ?? owner?.group.name ?? null,
    reason: isReason(said) ? said : unfit === null ? "rejected" : "malformed",
    error: text(headers.error) ?? (physical === null ? (unfit?.error ?? "") : `${said} in ${physical}`),
    attempt,
    body: raw.content,
  };
}

function isReason(text: string): text is DeadLetterReason {
  return reasons.has(text);
}
