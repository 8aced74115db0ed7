import * as fc from "fast-check";
import type { InjectOptions } from "fastify";
import { afterAll, beforeAll, expect, test } from "vitest";
import { asWriter, createThings } from "./fixtures/http-service.ts";

let things: Awaited<ReturnType<typeof createThings>>;
beforeAll(async () => {
  things = await createThings();
});
afterAll(() => things.server.close());

const json = { ...asWriter, "content-type": "application/json" };

/** Answers are made on purpose: below 500, JSON, and without a trace of our code. */
async function expectDeliberate(options: InjectOptions): Promise<void> {
  const answer = await things.server.inject(options);
  expect(answer.statusCode).toBeLessThan(500);
  expect(answer.statusCode).toBeGreaterThanOrEqual(200);
  if (answer.statusCode < 400) return;
  expect(answer.headers["content-type"]).toBe("application/problem+json; charset=utf-8");
  expect(answer.json()).toMatchObject({ status: answer.statusCode, code: expect.any(String) });
  expect(answer.body).not.toMatch(/node_modules|\.ts:\d/);
}

test("random bytes as a body", async () => {
  const bytes = fc.uint8Array({ maxLength: 500 }).map((body) => Buffer.from(body));
  await expect(
    fc.assert(
      fc.asyncProperty(bytes, (payload) =>
        expectDeliberate({ method: "POST", url: "/things", headers: json, payload }),
      ),
      { numRuns: 300 },
    ),
  ).resolves.toBeUndefined();
});

test("any JSON as a body", async () => {
  const value = fc.oneof(
    fc.jsonValue({ maxDepth: 5 }),
    fc.record(
      {
        name: fc.oneof(fc.string({ unit: "binary" }), fc.jsonValue()),
        count: fc.oneof(fc.double(), fc.integer(), fc.jsonValue()),
        labels: fc.oneof(fc.dictionary(fc.string({ unit: "binary" }), fc.string({ unit: "binary" })), fc.jsonValue()),
        nested: fc.jsonValue(),
        any: fc.jsonValue(),
        constructor: fc.jsonValue(),
      },
      { requiredKeys: [] },
    ),
  );
  await expect(
    fc.assert(
      fc.asyncProperty(value, (body) =>
        expectDeliberate({ method: "POST", url: "/things", headers: json, payload: JSON.stringify(body) ?? "" }),
      ),
      { numRuns: 500 },
    ),
  ).resolves.toBeUndefined();
});

test("JSON that was cut, doubled or bent", async () => {
  const good = '{"name":"x","count":5,"labels":{"a":"b"},"nested":{"a":1.5},"any":[null,true,"\\u00e9"]}';
  const bent = fc
    .tuple(fc.nat(good.length), fc.nat(good.length), fc.string({ unit: "binary", maxLength: 5 }))
    .map(([from, to, put]) => good.slice(0, from) + put + good.slice(to));
  await expect(
    fc.assert(
      fc.asyncProperty(bent, (payload) => expectDeliberate({ method: "POST", url: "/things", headers: json, payload })),
      { numRuns: 500 },
    ),
  ).resolves.toBeUndefined();
});

test("any path and query", async () => {
  const part = fc.oneof(
    fc.string({ unit: "binary" }).map((text) => encodeURIComponent(text.toWellFormed())),
    fc.constantFrom("things", "..", "%", "%2e%2e", "%00", "?", "limit=5", "limit[]=1", "__proto__", "&", ";", "//"),
    fc.webPath(),
    fc.webQueryParameters(),
  );
  const url = fc.array(part, { maxLength: 6 }).map((parts) => `/${parts.join("")}`);
  await expect(
    fc.assert(
      fc.asyncProperty(url, (address) => expectDeliberate({ method: "GET", url: address, headers: asWriter })),
      { numRuns: 500 },
    ),
  ).resolves.toBeUndefined();
});

test("any value of the headers that are read", async () => {
  const value = fc.string({ unit: "grapheme-ascii", maxLength: 100 });
  const headers = fc.record(
    {
      authorization: fc.oneof(
        value,
        value.map((token) => `Bearer ${token}`),
        fc.constant("Bearer writer"),
      ),
      "content-type": fc.oneof(
        value,
        fc.constant("application/json"),
        value.map((text) => `application/json;${text}`),
      ),
      "content-encoding": value,
      "x-request-id": value,
      traceparent: value,
    },
    { requiredKeys: [] },
  );
  await expect(
    fc.assert(
      fc.asyncProperty(headers, (given) =>
        expectDeliberate({ method: "POST", url: "/things", headers: given, payload: '{"name":"x"}' }),
      ),
      { numRuns: 500 },
    ),
  ).resolves.toBeUndefined();
});
