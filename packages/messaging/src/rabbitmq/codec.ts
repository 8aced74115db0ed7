import type { ConsumeMessage, Options } from "amqplib";
import { isUtf8 } from "node:buffer";
import { MessagingError } from "../errors.ts";
import {
  isCorrelationId,
  isMessageId,
  isMessageType,
  isMetadataValue,
  isName,
  isPriority,
  noMetadata,
  priorities,
  type Message,
  type MetadataValue,
} from "../message.ts";
import { longestDelayMs, mostRetries, type DeadLetterReason } from "../outcome.ts";
import type { Queue } from "../queue-definition.ts";

/** Header names; `docs/wire-format.md` says what each means. What has its default isn't sent. */
export const headers = {
  attempt: "fleetwire-attempt",
  maxRetries: "fleetwire-max-retries",
  company: "fleetwire-company",
  key: "fleetwire-key",
  version: "fleetwire-version",
  expiresAt: "fleetwire-expires-at",
  delayLeft: "fleetwire-delay-left",
  redeliveries: "fleetwire-redeliveries",
  metadata: "fleetwire-meta-",
  queue: "fleetwire-queue",
  group: "fleetwire-group",
  reason: "fleetwire-reason",
  error: "fleetwire-error",
} as const;

const jsonType = "application/json";
const bytesType = "application/octet-stream";
const traceNames = ["traceparent", "tracestate"] as const;

export type Headers = Record<string, string | number | boolean>;

/** The body: JSON, or the bytes as they are. @throws MessagingError `invalid_message` */
export function encodeBody(payload: unknown): Buffer {
  if (payload instanceof Uint8Array)
    return Buffer.isBuffer(payload) ? payload : Buffer.from(payload.buffer, payload.byteOffset, payload.byteLength);
  let text: string | undefined;
  try {
    text = JSON.stringify(payload);
  } catch (cause) {
    throw new MessagingError("invalid_message", "payload: it has no JSON (a cycle, or a BigInt)", { cause });
  }
  if (text === undefined) throw new MessagingError("invalid_message", "payload: expected a JSON value or bytes");
  return Buffer.from(text);
}

export interface WireOptions {
  readonly maxRetries: number | undefined;
  readonly ttlMs: number | undefined;
  readonly delayLeftMs: number;
  readonly expirationMs: number | undefined;
  readonly trace: Readonly<Record<string, string>> | null;
  readonly nowMs: number;
}

/** Properties of a message that is published for the first time. */
export function encodeProperties(message: Message, options: WireOptions): Options.Publish {
  const own: Headers = {};
  if (message.companyId !== "default") own[headers.company] = message.companyId;
  if (message.key !== undefined) own[headers.key] = message.key;
  if (message.version !== 1) own[headers.version] = message.version;
  if (options.maxRetries !== undefined) own[headers.maxRetries] = options.maxRetries;
  if (options.ttlMs !== undefined) own[headers.expiresAt] = new Date(options.nowMs + options.ttlMs).toISOString();
  if (options.delayLeftMs > 0) own[headers.delayLeft] = options.delayLeftMs;
  if (message.metadata !== noMetadata)
    for (const name of Object.keys(message.metadata)) own[headers.metadata + name] = message.metadata[name] ?? "";
  if (options.trace !== null) Object.assign(own, options.trace);
  return {
    messageId: message.id,
    type: message.type,
    contentType: message.payload instanceof Uint8Array ? bytesType : jsonType,
    deliveryMode: 2,
    mandatory: true,
    priority: message.priority,
    timestamp: Math.floor(options.nowMs / 1_000),
    headers: own,
    ...(message.correlationId === undefined ? {} : { correlationId: message.correlationId }),
    ...(options.expirationMs === undefined ? {} : { expiration: options.expirationMs }),
  };
}

/** A message that came, read as far as it can be. */
export interface Decoded {
  readonly message: Message;
  readonly unfit: { readonly reason: DeadLetterReason; readonly error: string } | null;
  readonly attempt: number;
  readonly maxRetries: number | null;
  readonly delayLeftMs: number;
  /** Counted by consumers, where the broker doesn't. */
  readonly redeliveries: number;
  readonly trace: Readonly<Record<string, string>> | null;
}

type RawHeaders = Record<string, unknown>;
const noHeaders: RawHeaders = Object.freeze({});

/** Reads a delivery. Never throws: what can't be read is `unfit`, with the reason. */
export function decode(raw: ConsumeMessage, queue: Queue, nowMs: number): Decoded {
  const { properties, content } = raw;
  const own: RawHeaders = properties.headers ?? noHeaders;
  const problems: string[] = [];
  const read = <T>(name: string, check: (value: unknown) => value is T, fallback: T): T => {
    const value = own[name];
    if (value === undefined) return fallback;
    if (check(value)) return value;
    problems.push(`header ${name} isn't what it has to be`);
    return fallback;
  };

  const id: unknown = properties.messageId;
  if (!isMessageId(id))
    problems.push(id === undefined ? "no message-id" : "the message-id isn't 1 to 36 printable ASCII characters");
  const type: unknown = properties.type ?? "message";
  if (!isMessageType(type)) problems.push("the type isn't words joined by dots");
  const priority: unknown = properties.priority ?? priorities.normal;
  if (!isPriority(priority)) problems.push("the priority isn't 0 to 10");
  const payload = decodeBody(content, properties.contentType, problems);

  let message: Message;
  let attempt = 1;
  let maxRetries: number | null = null;
  let delayLeftMs = 0;
  let redeliveries = 0;
  let expiresAt: string | undefined;
  if (own === noHeaders || isEmpty(own)) {
    message = plainMessage(id, type, payload, priority, properties.correlationId, properties.timestamp);
  } else {
    attempt = read(headers.attempt, isCount, 1);
    maxRetries = read<number | null>(headers.maxRetries, isRetryLimit, null);
    delayLeftMs = read(headers.delayLeft, isDelay, 0);
    redeliveries = read(headers.redeliveries, isCount, 0);
    expiresAt = read<string | undefined>(headers.expiresAt, isInstant, undefined);
    message = {
      ...plainMessage(id, type, payload, priority, properties.correlationId, properties.timestamp),
      companyId: read(headers.company, isName, "default"),
      key: read<string | undefined>(headers.key, isName, undefined),
      version: read(headers.version, isCount, 1),
      metadata: metadataOf(own, problems),
    };
  }
  return {
    message,
    unfit: unfitness(message, queue, problems, expiresAt, nowMs),
    attempt,
    maxRetries,
    delayLeftMs,
    redeliveries,
    trace: traceOf(own),
  };
}

function plainMessage(
  id: unknown,
  type: unknown,
  payload: unknown,
  priority: unknown,
  correlationId: unknown,
  timestamp: unknown,
): Message {
  return {
    id: typeof id === "string" ? id : "",
    type: typeof type === "string" ? type : "",
    payload,
    priority: typeof priority === "number" ? priority : priorities.normal,
    companyId: "default",
    key: undefined,
    correlationId: isCorrelationId(correlationId) ? correlationId : undefined,
    version: 1,
    metadata: noMetadata,
    publishedAt: dateOf(timestamp),
  };
}

function dateOf(timestamp: unknown): Date | undefined {
  const date = typeof timestamp === "number" ? new Date(timestamp * 1_000) : undefined;
  return date === undefined || Number.isNaN(date.getTime()) ? undefined : date;
}

function unfitness(
  message: Message,
  queue: Queue,
  problems: readonly string[],
  expiresAt: string | undefined,
  nowMs: number,
): Decoded["unfit"] {
  const [problem] = problems;
  if (problem !== undefined) return { reason: "malformed", error: problem };
  if (!queue.versions.includes(message.version))
    return { reason: "unknown_version", error: `version ${message.version}; understood: ${queue.versions.join(", ")}` };
  if (expiresAt !== undefined && Date.parse(expiresAt) <= nowMs)
    return { reason: "expired", error: `it expired at ${expiresAt}` };
  return null;
}

function decodeBody(content: Buffer, contentType: unknown, problems: string[]): unknown {
  if (contentType === bytesType) return content;
  if (contentType !== undefined && !isJson(contentType)) {
    problems.push(`the content type is neither ${jsonType} nor ${bytesType}`);
    return content;
  }
  if (!isUtf8(content)) {
    problems.push("the body isn't UTF-8");
    return content;
  }
  try {
    const payload: unknown = JSON.parse(content.toString("utf8"));
    return payload;
  } catch {
    problems.push("the body isn't JSON");
    return content;
  }
}

function isJson(contentType: unknown): boolean {
  return typeof contentType === "string" && (contentType === jsonType || contentType.startsWith(`${jsonType};`));
}

function metadataOf(own: RawHeaders, problems: string[]): Readonly<Record<string, MetadataValue>> {
  let metadata: Record<string, MetadataValue> | undefined;
  for (const name of Object.keys(own)) {
    if (!name.startsWith(headers.metadata)) continue;
    const value = own[name];
    // Without a prototype: a name such as __proto__ is a name.
    metadata ??= Object.create(null) as Record<string, MetadataValue>;
    if (isMetadataValue(value)) metadata[name.slice(headers.metadata.length)] = value;
    else problems.push(`header ${name} isn't a text, a number or a boolean`);
  }
  return metadata ?? noMetadata;
}

function traceOf(own: RawHeaders): Record<string, string> | null {
  let trace: Record<string, string> | null = null;
  for (const name of traceNames) {
    const value = own[name];
    if (typeof value === "string" && value.length <= 512) (trace ??= {})[name] = value;
  }
  return trace;
}

function isEmpty(own: RawHeaders): boolean {
  for (const _ in own) return false;
  return true;
}

function isCount(value: unknown): value is number {
  return typeof value === "number" && Number.isSafeInteger(value) && value >= 1;
}

function isRetryLimit(value: unknown): value is number {
  return value === 0 || (isCount(value) && value <= mostRetries);
}

function isDelay(value: unknown): value is number {
  return isCount(value) && value <= longestDelayMs;
}

export function isInstant(value: unknown): value is string {
  return typeof value === "string" && value.length <= 40 && !Number.isNaN(Date.parse(value));
}
