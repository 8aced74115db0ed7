import { createHash, randomFillSync } from "node:crypto";
import { v7 as uuidv7 } from "uuid";
import { MessagingError } from "./errors.ts";

/** What metadata may hold: a text of at most 1,024 characters, a number or a boolean. */
export type MetadataValue = string | number | boolean;

/** One unit on a queue, as handlers get it. */
export interface Message<P = unknown> {
  /** At most 36 characters; a UUIDv7 unless its publisher brought another. */
  readonly id: string;
  /** Words joined by dots, such as `user.registered`; what topics are matched against. */
  readonly type: string;
  /** A JSON value; a `Uint8Array` travels as bytes. */
  readonly payload: P;
  /** 0–10, higher is sooner: low 4, normal 6, high 8, urgent 9. */
  readonly priority: number;
  readonly companyId: string;
  /** Messages of one key keep their order on an ordered queue. */
  readonly key: string | undefined;
  readonly correlationId: string | undefined;
  /** Major version of the payload's shape; 1 where nothing is said. */
  readonly version: number;
  readonly metadata: Readonly<Record<string, MetadataValue>>;
  /** By the publisher's clock, to the second; undefined when it said nothing. */
  readonly publishedAt: Date | undefined;
}

/** A message to be published; what is left out gets its default. */
export interface NewMessage<P = unknown> {
  id?: string | undefined;
  /**
   * Instead of an id: the caller's own name for what it asks, 1 to 128 characters. The same key on the same queue and for
   * the same company makes the same id, so that an inbox recognises a second one.
   */
  idempotencyKey?: string | undefined;
  type: string;
  payload: P;
  priority?: number | PriorityName | undefined;
  companyId?: string | undefined;
  key?: string | undefined;
  correlationId?: string | undefined;
  version?: number | undefined;
  metadata?: Readonly<Record<string, MetadataValue>> | undefined;
}

/** Names for priorities. */
export const priorities = { low: 4, normal: 6, high: 8, urgent: 9 } as const;
export type PriorityName = keyof typeof priorities;

/** Ids are texts that stand unharmed in headers, logs and keys. */
const idPattern = /^[\x21-\x7e]{1,36}$/;
const typePattern = /^[A-Za-z0-9_-]+(?:\.[A-Za-z0-9_-]+)*$/;
const longestType = 128;
// oxlint-disable-next-line no-control-regex -- control characters are what is refused
const printable = /^[^\u0000-\u001f\u007f]+$/;
const metadataName = /^[A-Za-z0-9_.-]{1,64}$/;
const mostMetadata = 32;

/** A fresh message id: UUIDv7, so ids sort by when they were made. Identity, not order. */
export function newMessageId(): string {
  return uuidv7({ rng: randomBytes16 });
}

/** Always the same for the same words: a UUIDv8 (RFC 9562) of the first 122 bits of their SHA-256. */
function idOfKey(...words: readonly string[]): string {
  const hash = createHash("sha256").update(JSON.stringify(words)).digest("hex");
  const variant = ((Number.parseInt(hash[16] ?? "0", 16) & 0x3) | 0x8).toString(16);
  return `${hash.slice(0, 8)}-${hash.slice(8, 12)}-8${hash.slice(13, 16)}-${variant}${hash.slice(17, 20)}-${hash.slice(20, 32)}`;
}

// Asking for 16 bytes at a time costs ten times as much.
const pool = new Uint8Array(4_096);
let used = pool.length;

function randomBytes16(): Uint8Array {
  if (used === pool.length) {
    randomFillSync(pool);
    used = 0;
  }
  used += 16;
  return pool.subarray(used - 16, used);
}

/** Whether `id` can be a message's. */
export function isMessageId(id: unknown): id is string {
  return typeof id === "string" && idPattern.test(id);
}

export function isMessageType(type: unknown): type is string {
  return typeof type === "string" && type.length <= longestType && typePattern.test(type);
}

/** Brokers keep it as a short text. */
export function isCorrelationId(id: unknown): id is string {
  return isName(id) && Buffer.byteLength(id) <= 255;
}

/** A company's id, a key or a correlation id: 1 to 128 characters, none of them a control character. */
export function isName(name: unknown): name is string {
  return typeof name === "string" && name.length <= 128 && printable.test(name);
}

/**
 * The message with its defaults filled in.
 *
 * @throws MessagingError `invalid_message` that names the field.
 */
export function completeMessage<P>(message: NewMessage<P>, queueName: string): Message<P> {
  const { id, idempotencyKey, type, payload, priority, companyId, key, correlationId, version, metadata } = message;
  if (id !== undefined && !isMessageId(id)) throw invalid("id", "1 to 36 printable ASCII characters without spaces");
  if (idempotencyKey !== undefined && (id !== undefined || !isName(idempotencyKey))) {
    throw invalid("idempotencyKey", "1 to 128 characters, and no id beside it");
  }
  if (!isMessageType(type)) throw invalid("type", "words of letters, digits, _ and - joined by dots, at most 128");
  if (payload === undefined) throw invalid("payload", "a JSON value or bytes");
  if (companyId !== undefined && !isName(companyId)) throw invalid("companyId", "1 to 128 characters");
  if (key !== undefined && !isName(key)) throw invalid("key", "1 to 128 characters");
  if (correlationId !== undefined && !isCorrelationId(correlationId))
    throw invalid("correlationId", "1 to 128 characters, at most 255 bytes");
  if (version !== undefined && !(Number.isSafeInteger(version) && version >= 1)) throw invalid("version", "1 or more");
  if (metadata !== undefined) checkMetadata(metadata);
  return {
    id:
      idempotencyKey === undefined
        ? (id ?? newMessageId())
        : idOfKey(companyId ?? "default", queueName, idempotencyKey),
    type,
    payload,
    priority: priorityOf(priority),
    companyId: companyId ?? "default",
    key,
    correlationId,
    version: version ?? 1,
    metadata: metadata ?? noMetadata,
    publishedAt: undefined,
  };
}

export const noMetadata: Readonly<Record<string, MetadataValue>> = Object.freeze({});

function priorityOf(priority: number | string | undefined): number {
  if (priority === undefined) return priorities.normal;
  const value =
    typeof priority === "number"
      ? priority
      : Object.hasOwn(priorities, priority)
        ? priorities[priority as PriorityName]
        : -1;
  if (!isPriority(value)) throw invalid("priority", "a whole number from 0 to 10, or low, normal, high, urgent");
  return value;
}

export function isPriority(value: unknown): value is number {
  return typeof value === "number" && Number.isInteger(value) && value >= 0 && value <= 10;
}

function checkMetadata(metadata: Readonly<Record<string, unknown>>): void {
  const entries = Object.entries(metadata);
  if (entries.length > mostMetadata) throw invalid("metadata", `at most ${mostMetadata} entries`);
  for (const [name, value] of entries) {
    if (!metadataName.test(name)) throw invalid("metadata", "names of 1 to 64 letters, digits, _ . and -");
    if (!isMetadataValue(value))
      throw invalid(`metadata.${name}`, "a text of at most 1,024 characters, a number or a boolean");
  }
}

export function isMetadataValue(value: unknown): value is MetadataValue {
  if (typeof value === "string") return value.length <= 1_024 && !value.includes("\0");
  if (typeof value === "boolean") return true;
  // Beyond these, whole numbers aren't exact, and brokers have no place for them.
  return (
    typeof value === "number" && Number.isFinite(value) && (!Number.isInteger(value) || Number.isSafeInteger(value))
  );
}

function invalid(field: string, expected: string): MessagingError {
  return new MessagingError("invalid_message", `${field}: expected ${expected}`);
}
