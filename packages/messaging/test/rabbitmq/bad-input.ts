import type { Options } from "amqplib";

/** One message of a producer that keeps to nothing, and what becomes of it. */
export interface BadInput<B> {
  readonly title: string;
  readonly body?: Buffer | string;
  readonly properties: Options.Publish;
  readonly becomes: B;
}

interface Refused {
  readonly reason: string;
  readonly error: string;
}

interface Handled {
  /** What the handler gets has this. */
  readonly message: object;
  /** Names and values. */
  readonly metadata: readonly (readonly [string, unknown])[];
}

const json = "application/json";
const malformed = (error: string): Refused => ({ reason: "malformed", error });
const header = (name: string) => malformed(`header ${name} isn't what it has to be`);
const metadata = (name: string) => malformed(`header fleetwire-meta-${name} isn't a text, a number or a boolean`);
const handled = (message: object = {}, metadata: Handled["metadata"] = []): Handled => ({ message, metadata });
const withHeaders = (headers: Record<string, unknown>): Options.Publish => ({ messageId: "bad", headers });
/** A header of this very name, which an object literal would take for the prototype. */
const ownProto = (value: unknown): Record<string, unknown> =>
  Object.fromEntries([["__proto__", value]]) as Record<string, unknown>;
const deep = "[".repeat(10_000) + "]".repeat(10_000);

export const refusedInputs: readonly BadInput<Refused>[] = [
  {
    title: "a body that isn't JSON",
    body: "{",
    properties: { messageId: "bad" },
    becomes: malformed("the body isn't JSON"),
  },
  { title: "an empty body", body: "", properties: { messageId: "bad" }, becomes: malformed("the body isn't JSON") },
  {
    title: "a body that is compressed",
    body: Buffer.from("1f8b0800000000000003330400b7efdc8301000000", "hex"),
    properties: { messageId: "bad", contentType: json, contentEncoding: "gzip" },
    becomes: malformed("the body isn't UTF-8"),
  },
  {
    title: "a content type that is none of ours",
    properties: { messageId: "bad", contentType: "text/plain" },
    becomes: malformed("the content type is neither application/json nor application/octet-stream"),
  },
  { title: "no message id", properties: {}, becomes: malformed("no message-id") },
  {
    title: "a message id that is too long",
    properties: { messageId: "x".repeat(37) },
    becomes: malformed("the message-id isn't 1 to 36 printable ASCII characters"),
  },
  {
    title: "a message id with a line break",
    properties: { messageId: "a\nb" },
    becomes: malformed("the message-id isn't 1 to 36 printable ASCII characters"),
  },
  {
    title: "a type with a space",
    properties: { messageId: "bad", type: "a b" },
    becomes: malformed("the type isn't words joined by dots"),
  },
  {
    title: "priority 255",
    properties: { messageId: "bad", priority: 255 },
    becomes: malformed("the priority isn't 0 to 10"),
  },
  {
    title: "an unknown version",
    properties: withHeaders({ "fleetwire-version": 2 }),
    becomes: { reason: "unknown_version", error: "version 2; understood: 1" },
  },
  {
    title: "a version that is a text",
    properties: withHeaders({ "fleetwire-version": "1" }),
    becomes: header("fleetwire-version"),
  },
  {
    title: "an attempt that is a text",
    properties: withHeaders({ "fleetwire-attempt": "2" }),
    becomes: header("fleetwire-attempt"),
  },
  {
    title: "a negative attempt",
    properties: withHeaders({ "fleetwire-attempt": -1 }),
    becomes: header("fleetwire-attempt"),
  },
  {
    title: "an attempt that isn't whole",
    properties: withHeaders({ "fleetwire-attempt": 1.5 }),
    becomes: header("fleetwire-attempt"),
  },
  {
    title: "retries without a number",
    properties: withHeaders({ "fleetwire-max-retries": "many" }),
    becomes: header("fleetwire-max-retries"),
  },
  {
    title: "a table as company",
    properties: withHeaders({ "fleetwire-company": { id: "acme" } }),
    becomes: header("fleetwire-company"),
  },
  {
    title: "a company with a NUL",
    properties: withHeaders({ "fleetwire-company": "ac\0me" }),
    becomes: header("fleetwire-company"),
  },
  { title: "a number as key", properties: withHeaders({ "fleetwire-key": 7 }), becomes: header("fleetwire-key") },
  {
    title: "a negative delay",
    properties: withHeaders({ "fleetwire-delay-left": -5 }),
    becomes: header("fleetwire-delay-left"),
  },
  {
    title: "an end that is no time",
    properties: withHeaders({ "fleetwire-expires-at": "soon" }),
    becomes: header("fleetwire-expires-at"),
  },
  {
    title: "an end in the past",
    properties: withHeaders({ "fleetwire-expires-at": "2020-01-01T00:00:00.000Z" }),
    becomes: { reason: "expired", error: "it expired at 2020-01-01T00:00:00.000Z" },
  },
  {
    title: "metadata with a NUL",
    properties: withHeaders({ "fleetwire-meta-source": "a\0b" }),
    becomes: metadata("source"),
  },
  {
    title: "metadata that nests",
    properties: withHeaders({ "fleetwire-meta-source": { a: 1 } }),
    becomes: metadata("source"),
  },
  {
    title: "metadata without a value",
    properties: withHeaders({ "fleetwire-meta-source": null }),
    becomes: metadata("source"),
  },
];

export const handledInputs: readonly BadInput<Handled>[] = [
  {
    title: "an empty body of bytes",
    body: "",
    properties: { messageId: "bad", contentType: "application/octet-stream" },
    becomes: handled({ payload: Buffer.alloc(0) }),
  },
  { title: "JSON that is 10,000 deep", body: deep, properties: { messageId: "bad" }, becomes: handled() },
  {
    title: "JSON that names __proto__",
    body: '{"__proto__":{"polluted":true}}',
    properties: { messageId: "bad" },
    becomes: handled(),
  },
  {
    title: "JSON's content type with a charset",
    properties: { messageId: "bad", contentType: "application/json; charset=utf-8" },
    becomes: handled({ payload: 1 }),
  },
  { title: "no type", properties: { messageId: "bad" }, becomes: handled({ type: "message" }) },
  {
    title: "a correlation id with a NUL",
    properties: { messageId: "bad", correlationId: "a\0b" },
    becomes: handled({ correlationId: undefined }),
  },
  {
    title: "metadata named __proto__",
    properties: withHeaders({ "fleetwire-meta-__proto__": "x" }),
    becomes: handled({}, [["__proto__", "x"]]),
  },
  {
    title: "a header named __proto__",
    properties: withHeaders(ownProto({ polluted: true })),
    becomes: handled(),
  },
  {
    title: "an x-death that is a text",
    properties: withHeaders({ "x-death": "often", "x-first-death-queue": 5 }),
    becomes: handled(),
  },
  {
    title: "an x-death of its own",
    properties: withHeaders({ "x-death": [{ queue: 1, count: "many" }, 5], "x-first-death-reason": "expired" }),
    becomes: handled(),
  },
  {
    title: "headers of every other kind",
    properties: withHeaders({
      list: [1, "a", null, { b: [true] }],
      bytes: Buffer.of(0, 255),
      time: { "!": "timestamp", value: 1_700_000_000 },
      price: { "!": "decimal", value: { places: 2, digits: 199 } },
      large: 9_007_199_254_740_991,
      small: -0.5,
    }),
    becomes: handled(),
  },
];

/**
 * What can be read and not be written again as it was read: a retry or a dead letter is a copy. Whatever becomes of the
 * headers, the message isn't held back, and nothing else is.
 */
export const hardToCopy: readonly { title: string; properties: Options.Publish }[] = [
  {
    title: "a table that looks like a value with its type",
    properties: withHeaders({ a: { "!": "object", value: { "!": "nonsense" } } }),
  },
  { title: "a number below those of 64 bits", properties: withHeaders({ a: { "!": "double", value: -1e300 } }) },
  {
    title: "a time at the end of all times",
    properties: withHeaders({ a: { "!": "timestamp", value: 18_446_744_073_709_551_615n } }),
  },
  { title: "headers that leave no room for another", properties: withHeaders({ a: "x".repeat(65_500) }) },
];
