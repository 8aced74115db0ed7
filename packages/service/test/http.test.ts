import { afterEach, beforeEach, describe, expect, test } from "vitest";
import { asReader, asWriter, createThings } from "./fixtures/http-service.ts";

let things: Awaited<ReturnType<typeof createThings>>;
beforeEach(async () => {
  things = await createThings();
});
afterEach(() => things.server.close());

const json = { ...asWriter, "content-type": "application/json" };
const post = (payload: string | Buffer, headers: Record<string, string> = json) =>
  things.server.inject({ method: "POST", url: "/things", headers, payload });

describe("who asks", () => {
  test.each([
    [{}, "Bearer"],
    [{ authorization: "Bearer unknown" }, 'Bearer error="invalid_token"'],
    [{ authorization: "Basic d3JpdGVyOng=" }, 'Bearer error="invalid_token"'],
    [{ authorization: "Bearer __proto__" }, 'Bearer error="invalid_token"'],
  ])("%j is answered 401 with a challenge", async (headers, challenge) => {
    const answer = await things.server.inject({ url: "/things", headers });
    expect(answer.statusCode).toBe(401);
    expect(answer.headers["www-authenticate"]).toBe(challenge);
    expect(answer.headers["content-type"]).toBe("application/problem+json; charset=utf-8");
    expect(answer.json()).toMatchObject({ code: "unauthenticated", status: 401 });
  });

  test("a token without the scope is answered 403, naming the scope", async () => {
    const answer = await post('{"name":"x"}', { ...json, ...asReader });
    expect(answer.json()).toMatchObject({
      status: 403,
      code: "forbidden",
      detail: "This needs the scope things:write.",
    });
  });

  test("handlers know the principal", async () => {
    expect((await post('{"name":"x"}')).json()).toEqual({ by: "ann", thing: { name: "x" } });
  });

  test("a token is asked for before the body is read", async () => {
    expect((await post("{", { "content-type": "application/json" })).statusCode).toBe(401);
  });

  test("a verifier that can't answer now makes 503 with Retry-After", async () => {
    const answer = await things.server.inject({ url: "/things", headers: { authorization: "Bearer down" } });
    expect([answer.statusCode, answer.headers["retry-after"]]).toEqual([503, "1"]);
  });

  test("a public route that asks for the principal is our mistake, not an open door", async () => {
    expect((await things.server.inject("/public/principal")).statusCode).toBe(500);
  });
});

describe("what a body may be", () => {
  test.each([
    ["not JSON", "{", 400, "invalid_json"],
    ["a schema violation", '{"name":5}', 400, "invalid_request"],
    ["a number as text", '{"name":"x","count":"5"}', 400, "invalid_request"],
    ["a missing property", "{}", 400, "invalid_request"],
    ["an unknown property", '{"name":"x","nmae":"y"}', 400, "invalid_request"],
    ["an unknown nested property", '{"name":"x","nested":{"b":1}}', 400, "invalid_request"],
    ["no object", "null", 400, "invalid_request"],
    ["nothing", "", 400, "invalid_request"],
    ["__proto__", '{"name":"x","__proto__":{"admin":true}}', 400, "invalid_json"],
    ["escaped __proto__", '{"name":"x","any":{"\\u005f_proto__":1}}', 400, "invalid_json"],
    ["constructor.prototype", '{"name":"x","any":{"constructor":{"prototype":{"a":1}}}}', 400, "invalid_json"],
    ["NUL in a text", '{"name":"a\\u0000b"}', 400, "invalid_json"],
    ["NUL in a key", '{"name":"x","labels":{"a\\u0000":"b"}}', 400, "invalid_json"],
    ["a lone surrogate", '{"name":"\\ud800"}', 400, "invalid_json"],
    ["1e400", '{"name":"x","any":1e400}', 400, "invalid_json"],
    ["65 levels", `{"name":"x","any":${"[".repeat(64)}${"]".repeat(64)}}`, 400, "invalid_json"],
    ["10,000 levels", `{"name":"x","any":${"[".repeat(10_000)}${"]".repeat(10_000)}}`, 400, "invalid_json"],
    ["100,000 levels of objects", `${'{"a":'.repeat(100_000)}1${"}".repeat(100_000)}`, 400, "invalid_json"],
    ["more than 1 MiB", `{"name":"${"x".repeat(1_048_576)}"}`, 413, "body_too_large"],
  ])("%s is answered with the right 4xx", async (_what, body, status, code) => {
    const answer = await post(body);
    expect(answer.json()).toMatchObject({ status, code, requestId: expect.any(String) });
    expect(answer.statusCode).toBe(status);
    expect(answer.body).not.toMatch(/\bat .*\.ts|node_modules/);
  });

  test("invalid UTF-8 is refused", async () => {
    const body = Buffer.concat([Buffer.from('{"name":"'), Buffer.from([0xff, 0xfe]), Buffer.from('"}')]);
    expect((await post(body)).json()).toMatchObject({ code: "invalid_json" });
  });

  test("64 levels, a harmless constructor and duplicate keys (the last counts) are taken", async () => {
    expect((await post(`{"name":"x","any":${"[".repeat(62)}${"]".repeat(62)}}`)).statusCode).toBe(201);
    expect((await post('{"name":"x","any":{"constructor":"ACME"}}')).statusCode).toBe(201);
    expect((await post('{"name":"x","name":"y"}')).json()).toMatchObject({ thing: { name: "y" } });
  });

  test.each<[Record<string, string>]>([
    [{ "content-type": "text/plain" }],
    [{ "content-type": "application/xml" }],
    [{ "content-type": "application/x-www-form-urlencoded" }],
    [{ "content-type": "application/json", "content-encoding": "gzip" }],
    [{ "content-type": "application/json", "content-encoding": "br" }],
  ])("%j is answered 415", async (headers) => {
    const answer = await post('{"name":"x"}', { ...asWriter, ...headers });
    expect(answer.json()).toMatchObject({ status: 415, code: "unsupported_media_type" });
  });

  test("what is wrong is told with its path", async () => {
    expect((await post('{"name":"x","count":-1}')).json()).toMatchObject({
      errors: [{ path: "body/count", message: "must be >= 0" }],
    });
    expect((await post('{"name":"x","nmae":1}')).json()).toMatchObject({
      errors: [{ path: "body", message: 'has no property "nmae"' }],
    });
  });
});

describe("addresses", () => {
  test("parameters are converted and have defaults; one value is a list of one", async () => {
    const answer = await things.server.inject({ url: "/things?status=queued", headers: asReader });
    expect(answer.json()).toEqual({ limit: 50, status: ["queued"] });
    const two = await things.server.inject({ url: "/things?limit=5&status=a&status=b", headers: asReader });
    expect(two.json()).toEqual({ limit: 5, status: ["a", "b"] });
  });

  test.each([
    "/things?limit=0",
    "/things?limit=1e400",
    "/things?limit=x",
    "/things?limit=5&limit=6",
    "/things?lmit=5",
    "/things?status=%00",
    "/things/%00",
    "/things/%zz",
    "/things?__proto__=1",
    "/things?limit[a]=1",
  ])("%s is answered 400", async (url) => {
    const answer = await things.server.inject({ url, headers: asWriter });
    expect([url, answer.json()]).toMatchObject([url, { status: 400, code: "invalid_request" }]);
  });

  test("an unknown address is 404, a known one with another method 405 with Allow", async () => {
    const missing = await things.server.inject({ url: "/nothing" });
    expect(missing.json()).toMatchObject({ status: 404, code: "route_not_found" });
    const wrong = await things.server.inject({ method: "DELETE", url: "/things" });
    expect(wrong.json()).toMatchObject({ status: 405, code: "method_not_allowed", title: "Method Not Allowed" });
    expect(wrong.headers["allow"]).toBe("GET, HEAD, POST");
    const item = await things.server.inject({ method: "POST", url: "/things/5", headers: json, payload: "{}" });
    expect(item.headers["allow"]).toBe("GET, HEAD");
  });
});

describe("answers", () => {
  test("a FleetwireError is answered as it says", async () => {
    const answer = await things.server.inject({ url: "/things/t1", headers: asWriter });
    expect(answer.json()).toMatchObject({ status: 404, code: "thing_unknown", detail: "There is no thing t1." });
  });

  test("any other error is 500 without its message, and logged with it", async () => {
    const answer = await things.server.inject({ url: "/broken", headers: asWriter });
    expect(answer.json()).toMatchObject({ status: 500, code: "internal_error" });
    expect(answer.body).not.toContain("hunter2");
    expect(things.lines.join()).toContain("password is hunter2");
  });

  test("unavailable says when to try again, in whole seconds", async () => {
    const answer = await things.server.inject({ url: "/down", headers: asWriter });
    expect([answer.statusCode, answer.headers["retry-after"]]).toEqual([503, "3"]);
  });

  test("a harmless X-Request-Id is kept, another one replaced", async () => {
    const kept = await things.server.inject({ url: "/public", headers: { "x-request-id": "a-1.b_2" } });
    expect(kept.headers["x-request-id"]).toBe("a-1.b_2");
    for (const given of ["a b", 'x","level":"fatal', "x".repeat(65), "ä"]) {
      const answer = await things.server.inject({ url: "/public", headers: { "x-request-id": given } });
      expect(answer.headers["x-request-id"]).toMatch(/^[0-9a-f-]{36}$/);
    }
  });

  test("each answer can't be sniffed or cached", async () => {
    for (const url of ["/public", "/nothing", "/things"]) {
      const { headers } = await things.server.inject(url);
      expect(headers).toMatchObject({ "x-content-type-options": "nosniff", "cache-control": "no-store" });
    }
  });

  test("the trace context is parsed, and its id is in the log", async () => {
    const traceparent = "00-4bf92f3577b34da6a3ce929d0e0e4736-00f067aa0ba902b7-01";
    const answer = await things.server.inject({ url: "/public", headers: { traceparent } });
    expect(answer.json()).toMatchObject({ trace: { traceId: "4bf92f3577b34da6a3ce929d0e0e4736", sampled: true } });
    expect(things.lines.join()).toContain('"traceId":"4bf92f3577b34da6a3ce929d0e0e4736"');
    const bad = await things.server.inject({ url: "/public", headers: { traceparent: "00-0-0-0" } });
    expect(bad.json()).toEqual({ trace: null });
  });

  test("an answered request is logged with its pattern, not its address", async () => {
    await things.server.inject({ url: "/things/secret-id?token=hunter2", headers: asWriter });
    expect(things.lines.join()).toContain('"route":"/things/:id"');
    expect(things.lines.join()).not.toContain("hunter2");
    expect(things.lines.join()).not.toContain("secret-id");
  });
});
