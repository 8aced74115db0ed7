import { expect, onTestFinished, test } from "vitest";
import { asReader, asWriter, createThings } from "./fixtures/http-service.ts";

async function start(options: Parameters<typeof createThings>[0] = {}) {
  const things = await createThings(options);
  onTestFinished(() => things.server.close());
  return things;
}

test("liveness is public", async () => {
  const { server } = await start();
  const answer = await server.inject("/health/live");
  expect([answer.statusCode, answer.json()]).toEqual([200, { status: "live" }]);
});

test("readiness is public, 503 with reasons while something is missing, and 200 after", async () => {
  const { server, health } = await start();
  const broker = health.gauge("broker", "not connected yet");
  const before = await server.inject("/health/ready");
  expect([before.statusCode, before.headers["retry-after"], before.json()]).toEqual([
    503,
    "1",
    { status: "not_ready", checks: { broker: { ok: false, reason: "not connected yet" } } },
  ]);
  broker.ok();
  const after = await server.inject("/health/ready");
  expect([after.statusCode, after.json()]).toEqual([200, { status: "ready", checks: { broker: { ok: true } } }]);
});

test("metrics need a scope unless they are public", async () => {
  const closed = await start();
  expect((await closed.server.inject("/metrics")).statusCode).toBe(401);
  expect((await closed.server.inject({ url: "/metrics", headers: asReader })).statusCode).toBe(403);
  const open = await start({ metricsPublic: true });
  const answer = await open.server.inject("/metrics");
  expect(answer.headers["content-type"]).toContain("text/plain");
  expect(answer.body).toContain('process_cpu_seconds_total{service="things"}');
});

test("requests are counted by method, pattern and status, never by address", async () => {
  const { server, metrics } = await start();
  for (const id of ["a", "b"]) await server.inject({ url: `/things/${id}`, headers: asWriter });
  for (const path of ["/x", "/y"]) await server.inject(path);
  const text = await metrics.metrics();
  expect(text).toContain(
    'http_request_duration_seconds_count{service="things",method="GET",route="/things/:id",status="404"} 2',
  );
  expect(text).toContain(
    'http_request_duration_seconds_count{service="things",method="GET",route="unmatched",status="404"} 2',
  );
  expect(text).not.toContain("/things/a");
});

test("OpenAPI 3.1 has routes, security, the problem document and every code", async () => {
  const { server } = await start({ docs: true });
  const document: unknown = (await server.inject("/openapi.json")).json();
  expect(document).toMatchObject({
    openapi: "3.1.0",
    info: { title: "Things", version: "1.2.3" },
    security: [{ bearer: [] }],
    components: {
      securitySchemes: { bearer: { type: "http", scheme: "bearer" } },
      schemas: {
        Problem: {
          properties: { code: { enum: expect.arrayContaining(["thing_unknown", "store_down", "invalid_request"]) } },
        },
      },
    },
    paths: {
      "/things": {
        post: {
          description: "Needs the scope `things:write`.",
          requestBody: { content: { "application/json": { schema: { additionalProperties: false } } } },
          responses: {
            201: expect.anything(),
            default: { content: { "application/problem+json": { schema: { $ref: "#/components/schemas/Problem" } } } },
          },
        },
      },
      "/health/live": { get: { security: [] } },
    },
  });
});

test("the docs page and all that it loads come from here, without a token", async () => {
  const { server } = await start({ docs: true });
  const page = await server.inject("/docs/");
  expect(page.statusCode).toBe(200);
  expect(page.body).not.toMatch(/(src|href)="https?:/);
  const files = [...page.body.matchAll(/(?:src|href)="\.?\/?([^"]+\.(?:js|css))"/g)].map(([, file]) => file ?? "");
  expect(files.length).toBeGreaterThan(2);
  for (const file of files) {
    const answer = await server.inject(new URL(file, "http://x/docs/").pathname);
    expect([file, answer.statusCode]).toEqual([file, 200]);
  }
  expect((await server.inject("/docs/json")).json()).toMatchObject({ openapi: "3.1.0" });
});

test("without docs there is no page, and the document needs a token", async () => {
  const { server } = await start();
  expect((await server.inject("/docs/")).statusCode).toBe(404);
  expect((await server.inject("/openapi.json")).statusCode).toBe(401);
  expect((await server.inject({ url: "/openapi.json", headers: asReader })).statusCode).toBe(200);
});

test("an answered request's line has its id, trace, company, route, status and duration; a failure's line too", async () => {
  const { server, lines } = await start();
  const traceparent = "00-4bf92f3577b34da6a3ce929d0e0e4736-00f067aa0ba902b7-01";
  const headers = { ...asReader, traceparent, "x-request-id": "r-1" };
  for (const url of ["/things?limit=5", "/broken"]) await server.inject({ url, headers });
  await server.inject("/public");
  const ids = { service: "things", requestId: "r-1", traceId: "4bf92f3577b34da6a3ce929d0e0e4736", companyId: "acme" };
  const [things, failure, broken, open] = lines.map((line): unknown => JSON.parse(line));
  expect(things).toMatchObject({
    ...ids,
    level: "debug",
    route: "/things",
    status: 200,
    durationMs: expect.any(Number),
  });
  expect(failure).toMatchObject({ ...ids, level: "error", code: "internal_error", msg: "request failed" });
  expect(broken).toMatchObject({ ...ids, level: "info", route: "/broken", status: 500 });
  expect(open).not.toHaveProperty("companyId");
});
