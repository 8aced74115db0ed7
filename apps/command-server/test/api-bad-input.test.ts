import { connect } from "node:net";
import { gzipSync } from "node:zlib";
import * as fc from "fast-check";
import { afterAll, beforeAll, describe, expect, test } from "vitest";
import { startApiServer, type ApiServer } from "./api-server.ts";
import { enrolAgent } from "./driven-agent.ts";

let api: ApiServer;
let agentId: string;

beforeAll(async () => {
  api = await startApiServer();
  agentId = await enrolAgent(api.running.store, "acme");
});
afterAll(() => api.close());

function post(body: unknown, headers: Record<string, string> = {}) {
  return api.call("POST", "/commands", { body, headers });
}

/** Writes bytes as they are and gives all that comes back until the server ends the connection. */
function raw(bytes: string): Promise<string> {
  const { hostname, port } = new URL(api.running.httpUrl);
  return new Promise((resolve, reject) => {
    const socket = connect(Number(port), hostname, () => socket.write(bytes));
    let answer = "";
    socket.on("data", (data) => {
      answer += data.toString("latin1");
    });
    socket.on("error", reject);
    socket.on("close", () => resolve(answer));
  });
}

describe("a body that is wrong is answered 4xx", () => {
  test.each<[string, string, number]>([
    ["nothing", "", 400],
    ["not JSON", "{agentId:1}", 400],
    ["JSON cut off", '{"agentId":"a"', 400],
    ["a text", '"hello"', 400],
    ["null", "null", 400],
    ["a list", "[]", 400],
    ["__proto__", '{"agentId":"a","command":"x","__proto__":{"scopes":["*"]}}', 400],
    [
      "a constructor's prototype",
      '{"agentId":"a","command":"x","parameters":{"constructor":{"prototype":{"x":1}}}}',
      400,
    ],
    [
      "10,000 levels",
      `{"agentId":"a","command":"x","parameters":${'{"a":'.repeat(10_000)}1${"}".repeat(10_000)}}`,
      400,
    ],
    ["NUL", String.raw`{"agentId":"a","command":"x\u0000y"}`, 400],
    ["a lone surrogate", String.raw`{"agentId":"a","command":"\ud800"}`, 400],
    ["a lone surrogate as a key", String.raw`{"agentId":"a","command":"x","parameters":{"\udfff":1}}`, 400],
    ["1e400", '{"agentId":"a","command":"x","parameters":{"n":1e400}}', 400],
    ["1e400 as a timeout", '{"agentId":"a","command":"x","timeoutSeconds":1e400}', 400],
    ["more than 1 MiB", `{"agentId":"a","command":"${"x".repeat(1024 * 1024)}"}`, 413],
  ])("%s", async (_what, body, status) => {
    const answer = await post(body);
    expect(answer.status).toBe(status);
    expect(answer.headers.get("content-type")).toContain("application/problem+json");
    expect(answer.text).not.toMatch(/node_modules|at .*\.ts:|fw_/);
  });

  test("of duplicate keys the last one counts", async () => {
    const answer = await post(`{"agentId":"nobody","agentId":"${agentId}","command":"a","command":"b"}`);
    expect(answer.status).toBe(202);
    const { json } = await api.call("GET", `/commands/${String(answer.json["commandId"])}`);
    expect(json["command"]).toBe("b");
  });

  test("numbers and texts that PostgreSQL is picky about are kept as they were", async () => {
    const command = "a\u2028b\ufffd\u{10ffff} \\u0000 \\ '\" $1 %s\r\n\u001b[31m";
    const answer = await post({ agentId, command });
    expect(answer.status).toBe(202);
    const { json } = await api.call("GET", `/commands/${String(answer.json["commandId"])}`);
    expect(json["command"]).toBe(command);
  });

  test("a company, an id or a status can't be given", async () => {
    for (const field of ["companyId", "commandId", "status", "createdBy"]) {
      expect((await post({ agentId, command: "x", [field]: "other" })).status).toBe(400);
    }
  });
});

describe("a request that is wrong is answered 4xx", () => {
  test("a body in gzip", async () => {
    const { httpUrl } = api.running;
    const answer = await fetch(`${httpUrl}/commands`, {
      method: "POST",
      headers: {
        authorization: `Bearer ${api.tokens.acme}`,
        "content-type": "application/json",
        "content-encoding": "gzip",
      },
      body: new Uint8Array(gzipSync("x".repeat(10_000_000))),
    });
    expect(answer.status).toBe(415);
  });

  test.each(["text/plain", "application/xml", "multipart/form-data; boundary=x"])("a body as %s", async (type) => {
    expect((await post("x", { "content-type": type })).status).toBe(415);
  });

  test("a line break smuggled into a header", async () => {
    const answer = await raw(
      `GET /commands HTTP/1.1\r\nHost: x\r\nAuthorization: Bearer x\r\n y\nX-Bad: 1\r\nConnection: close\r\n\r\n`,
    );
    expect(answer).toMatch(/^HTTP\/1\.1 40\d/);
  });

  test("headers that are too large", async () => {
    expect(await raw(`GET / HTTP/1.1\r\nHost: x\r\nX-Long: ${"x".repeat(100_000)}\r\n\r\n`)).toMatch(/^HTTP\/1\.1 431/);
  });

  test("bytes that aren't HTTP", async () => {
    expect(await raw("\u0016\u0003\u0001 hello\r\n\r\n")).toMatch(/^HTTP\/1\.1 400/);
  });

  test("a length that two headers say differently", async () => {
    const head = `POST /commands HTTP/1.1\r\nHost: x\r\nContent-Length: 5\r\nTransfer-Encoding: chunked\r\n\r\n`;
    expect(await raw(`${head}0\r\n\r\n`)).toMatch(/^HTTP\/1\.1 40\d/);
  });
});

describe("whatever is sent, the answer is never a 5xx", () => {
  const anyText = fc.string({ unit: "binary", maxLength: 40 });
  const anything = fc.oneof(fc.jsonValue({ maxDepth: 3 }), anyText, fc.double(), fc.constantFrom(2 ** 53, -1, 1e308));
  const fields = ["agentId", "type", "command", "args", "parameters", "timeoutSeconds", "priority", "idempotencyKey"];
  const more = ["idempotent", "expiresAt", "allowUnknownAgent", "retry", "fleetId", "selector", "x"];
  const ofMany = ["maxConcurrency", "maxErrors", "pick", "dryRun"];

  test("bodies of commands", async () => {
    const field = fc.constantFrom(...fields, ...more, ...ofMany);
    const near = fc.record({
      agentId: fc.constant(agentId),
      command: anyText,
      type: fc.constantFrom("SHELL", "PING", "STOP", "SCAN"),
      parameters: fc.dictionary(anyText, anything, { maxKeys: 4 }),
      allowUnknownAgent: fc.boolean(),
    });
    const nearMany = fc.record({
      selector: fc.record({
        fleet: anyText,
        labels: fc.dictionary(anyText, anyText, { maxKeys: 2 }),
        capabilities: fc.array(fc.constantFrom("SHELL", "SCAN", "x"), { maxLength: 2 }),
        online: fc.boolean(),
      }),
      command: anyText,
      dryRun: fc.boolean(),
    });
    const body = fc.oneof(
      fc
        .tuple(nearMany, fc.dictionary(field, anything, { maxKeys: 1 }))
        .map(([base, change]) => ({ ...base, ...change })),
      fc.tuple(near, fc.dictionary(field, anything, { maxKeys: 2 })).map(([base, change]) => ({ ...base, ...change })),
      anything,
    );
    await fc.assert(
      fc.asyncProperty(body, async (value) => {
        const answer = await post(JSON.stringify(value) ?? "");
        expect(answer.status).toBeLessThan(500);
      }),
      { numRuns: 300 },
    );
  });

  test("query strings, ids and headers of every route", async () => {
    const paths = ["/commands", "/agents", "/events", "/join-tokens", "/rollouts"];
    const name = fc.constantFrom(
      "agentId",
      "status",
      "type",
      "limit",
      "cursor",
      "from",
      "stream",
      "label",
      "fleet",
      "exitCode",
      "text",
      "outputBytes",
      "x",
    );
    const value = fc.oneof(
      anyText,
      fc.integer().map(String),
      fc.constantFrom("9".repeat(30), "-1", "%", "a=b", "1e99"),
    );
    const request = fc.record({
      path: fc.constantFrom(...paths),
      id: fc.option(anyText),
      below: fc.constantFrom("", "/output", "/cancel", "/revoke", "/stop", "/retry", "/results", "/groups"),
      query: fc.array(fc.tuple(name, value), { maxLength: 4 }),
      method: fc.constantFrom("GET", "POST", "DELETE", "PUT"),
      lastEventId: fc.stringMatching(/^[\x20-\x7e]{0,40}$/),
    });
    await fc.assert(
      fc.asyncProperty(request, async ({ path, id, below, query, method, lastEventId }) => {
        const target = id === null ? path : `${path}/${encodeURIComponent(id.toWellFormed())}${below}`;
        const search = new URLSearchParams(query.map(([key, text]): [string, string] => [key, text.toWellFormed()]));
        const answer = await api.call(method, `${target}?${search.toString()}`, {
          headers: { "last-event-id": lastEventId },
        });
        expect(answer.status).toBeLessThan(500);
      }),
      { numRuns: 400 },
    );
  });

  test("and nothing of it was our fault by the log", () => {
    expect(api.log.filter((line) => line.includes("request failed"))).toEqual([]);
  });
});
