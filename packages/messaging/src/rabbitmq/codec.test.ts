import type { ConsumeMessage, Options } from "amqplib";
import * as fc from "fast-check";
import { expect, test } from "vitest";
import { completeMessage, type NewMessage } from "../message.ts";
import { resolveQueue } from "../resolve-queue.ts";
import { decode, encodeBody, encodeProperties, headers } from "./codec.ts";

const queue = { ...resolveQueue({ name: "tasks.t", kind: "task", groups: ["g"] }), versions: [1, 2, 3] };
const plain = {
  maxRetries: undefined,
  ttlMs: undefined,
  delayLeftMs: 0,
  expirationMs: undefined,
  trace: null,
  nowMs: 1_700_000_000_123,
};

/** As the broker would deliver it. */
function delivered(body: Buffer, properties: Options.Publish): ConsumeMessage {
  // oxlint-disable-next-line typescript/no-unsafe-type-assertion -- of a delivery, only these parts are read
  return { content: body, properties, fields: { deliveryTag: 1, redelivered: false } } as unknown as ConsumeMessage;
}

const name = fc.stringMatching(/^[A-Za-z0-9_-]{1,12}$/);
const text = fc
  .string({ minLength: 1, maxLength: 60, unit: "grapheme" })
  .filter((value) => value.length <= 128 && !/[\u0000-\u001f\u007f]/.test(value)); // oxlint-disable-line no-control-regex -- what a name can't have
const messages: fc.Arbitrary<NewMessage> = fc.record(
  {
    id: fc.stringMatching(/^[\x21-\x7e]{1,36}$/),
    type: fc.array(name, { minLength: 1, maxLength: 4 }).map((words) => words.join(".")),
    payload: fc.jsonValue(),
    priority: fc.integer({ min: 0, max: 10 }),
    companyId: text,
    key: text,
    correlationId: text,
    version: fc.integer({ min: 1, max: 3 }),
    metadata: fc.dictionary(
      name,
      fc.oneof(
        fc.string({ maxLength: 50 }).filter((value) => !value.includes("\0")),
        fc.integer(),
        fc.boolean(),
      ),
      { maxKeys: 5 },
    ),
  },
  { requiredKeys: ["type", "payload"] },
);

test("what is encoded is decoded as it was", () => {
  fc.assert(
    fc.property(messages, fc.option(fc.nat(1_000), { nil: undefined }), (given, maxRetries) => {
      const message = completeMessage(given, "tasks.t");
      const raw = delivered(encodeBody(message.payload), encodeProperties(message, { ...plain, maxRetries }));
      const decoded = decode(raw, queue, 0);
      expect(decoded.unfit).toBeNull();
      expect(decoded).toMatchObject({ attempt: 1, maxRetries: maxRetries ?? null, delayLeftMs: 0 });
      const { metadata, publishedAt, payload, ...rest } = decoded.message;
      const { metadata: givenMetadata, publishedAt: _, payload: givenPayload, ...givenRest } = message;
      expect(rest).toEqual(givenRest);
      expect(JSON.stringify(payload)).toBe(JSON.stringify(givenPayload));
      expect({ ...metadata }).toEqual({ ...givenMetadata });
      expect(publishedAt?.getTime()).toBe(1_700_000_000_000);
    }),
  );
});

test("bytes are themselves, a view of a larger buffer too", () => {
  fc.assert(
    fc.property(fc.uint8Array({ maxLength: 200 }), fc.nat(50), (bytes, offset) => {
      const view = bytes.subarray(Math.min(offset, bytes.length));
      const message = completeMessage({ type: "t", payload: view }, "tasks.t");
      const { message: back } = decode(delivered(encodeBody(view), encodeProperties(message, plain)), queue, 0);
      expect(Buffer.compare(back.payload as Buffer, view)).toBe(0);
    }),
  );
});

test("whatever comes, decoding doesn't throw, and gives a message or a reason", () => {
  const anyValue = fc.anything({ withBigInt: true, withDate: true, withNullPrototype: true });
  const properties = fc.record(
    {
      messageId: anyValue,
      type: anyValue,
      contentType: anyValue,
      priority: anyValue,
      timestamp: anyValue,
      correlationId: anyValue,
      headers: fc.dictionary(
        fc.oneof(
          fc.constantFrom(...Object.values(headers), `${headers.metadata}x`, "traceparent", "x-death"),
          fc.string(),
        ),
        anyValue,
      ),
    },
    { requiredKeys: [] },
  );
  fc.assert(
    fc.property(fc.uint8Array({ maxLength: 100 }), properties, (body, given) => {
      // oxlint-disable-next-line typescript/no-unsafe-type-assertion -- wrong on purpose
      const { message, unfit, attempt } = decode(delivered(Buffer.from(body), given as never), queue, Date.now());
      expect(Number.isSafeInteger(attempt) && attempt >= 1).toBe(true);
      const isSound = unfit === null ? /^[\x21-\x7e]{1,36}$/.test(message.id) : unfit.error !== "";
      expect(isSound).toBe(true);
    }),
    { numRuns: 1_000 },
  );
});

test("a name of an object's own is a name like any other in metadata", () => {
  const message = completeMessage(
    {
      type: "t",
      payload: 1,
      metadata: JSON.parse('{"__proto__": "a", "constructor": "b"}') as Record<string, string>,
    },
    "tasks.t",
  );
  const { message: back } = decode(delivered(encodeBody(1), encodeProperties(message, plain)), queue, 0);
  expect(Object.entries(back.metadata)).toEqual([
    ["__proto__", "a"],
    ["constructor", "b"],
  ]);
});

test("a time to live travels as the instant it ends, and what came too late is unfit", () => {
  const message = completeMessage({ type: "t", payload: 1 }, "tasks.t");
  const properties = encodeProperties(message, { ...plain, ttlMs: 1_000, expirationMs: 1_000 });
  expect(properties.headers).toEqual({ [headers.expiresAt]: "2023-11-14T22:13:21.123Z" });
  const raw = delivered(encodeBody(1), properties);
  expect(decode(raw, queue, plain.nowMs + 999).unfit).toBeNull();
  expect(decode(raw, queue, plain.nowMs + 1_000).unfit).toMatchObject({ reason: "expired" });
});
