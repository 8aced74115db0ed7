import * as fc from "fast-check";
import { expect, test } from "vitest";
import { createLogger } from "./log.ts";

function capture() {
  const lines: string[] = [];
  const log = createLogger({
    service: "auth",
    level: "trace",
    destination: { write: (line) => void lines.push(line) },
  });
  return { log, lines, last: (): unknown => JSON.parse(lines.at(-1) ?? "") };
}

test("a line is JSON with level, RFC 3339 time, service, fields and message", () => {
  const { log, last } = capture();
  log.child({ requestId: "r1" }).info({ commandId: "c1", attempt: 2 }, "queued");
  expect(last()).toEqual({
    level: "info",
    time: expect.stringMatching(/^\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d\.\d{3}Z$/),
    service: "auth",
    requestId: "r1",
    commandId: "c1",
    attempt: 2,
    msg: "queued",
  });
});

test.each([
  "authorization",
  "Authorization",
  "token",
  "joinToken",
  "join_token",
  "password",
  "PGPASSWORD",
  "secret",
  "client_secret",
  "set-cookie",
  "adminPassword",
  "DB_PASSWORD",
  "operatorToken",
  "clientPrivateKey2",
])("a field named %s is redacted at any depth", (name) => {
  const { log, lines } = capture();
  log
    .child({ [name]: "hunter2" })
    .info({ [name]: "hunter2", a: { [name]: "hunter2", list: [{ [name]: ["hunter2"] }] } }, "x");
  expect(lines.join()).not.toContain("hunter2");
  expect(lines.join()).toContain("[redacted]");
});

test.each([
  "postgres://fleet:hunter2@db:5432/x failed",
  "amqp://fleet:p@hunter2@broker",
  "postgres://db/x?user=a&password=hunter2&sslmode=require failed",
  "https://api/x?access_token=hunter2",
  "Authorization: Bearer hunter2hunter2hunter2",
  `used fw_${"hunter2".repeat(6)}`,
])("credentials inside a text are redacted: %s", (text) => {
  const { log, lines } = capture();
  log.info({ text, err: new Error(text, { cause: new Error(text) }) }, text);
  expect(lines.join()).not.toContain("hunter2");
});

test("a count or an id beside a secret's name stays readable", () => {
  const { log, last } = capture();
  log.info({ tokenCount: 3, apiKeyId: "k1", passwordChangedAt: "today" }, "x");
  expect(last()).toMatchObject({ tokenCount: 3, apiKeyId: "k1", passwordChangedAt: "today" });
});

test("URLs and times without credentials stay as they are", () => {
  const { log, last } = capture();
  log.info({ url: "http://127.0.0.1:3004/x?a=b@c", at: new Date(0) }, "at http://u@h:1/, bearer authentication");
  expect(last()).toMatchObject({
    url: "http://127.0.0.1:3004/x?a=b@c",
    at: "1970-01-01T00:00:00.000Z",
    msg: "at http://u@h:1/, bearer authentication",
  });
});

test("an error is written with type, message, code, stack and cause, without its other properties", () => {
  const { log, last, lines } = capture();
  const cause = Object.assign(new RangeError("inner"), { row: "hunter2" });
  const err = Object.assign(new Error("outer", { cause }), { code: "ECONNREFUSED", connection: { pass: "hunter2" } });
  log.error({ err, nested: { err } }, "failed");
  expect(last()).toMatchObject({
    err: { type: "Error", message: "outer", code: "ECONNREFUSED", cause: { type: "RangeError", message: "inner" } },
    nested: { err: { message: "outer" } },
  });
  expect(lines.join()).not.toContain("hunter2");
  log.error(err);
  expect(last()).toMatchObject({ err: { message: "outer" }, msg: "outer" });
});

test("a value can't begin a line or break one", () => {
  fc.assert(
    fc.property(fc.string({ unit: "binary" }), fc.jsonValue(), (text, value) => {
      const { log, lines } = capture();
      log.info({ agentId: `${text}\r\n{"level":"fatal"}`, value }, `${text}\n`);
      expect(lines).toHaveLength(1);
      expect(lines[0]?.indexOf("\n")).toBe((lines[0]?.length ?? 0) - 1);
      expect(JSON.parse(lines[0] ?? "")).toMatchObject({ level: "info" });
    }),
  );
});

test("circular, deep and long values are bounded", () => {
  const { log, last, lines } = capture();
  const loop: Record<string, unknown> = {};
  loop["self"] = loop;
  log.info({ loop, items: Array.from({ length: 10_000 }, (_, item) => item), big: 1n, bytes: Buffer.alloc(5) }, "x");
  expect(last()).toMatchObject({ big: "1", bytes: "[5 bytes]" });
  expect(lines.join().length).toBeLessThan(2_000);
});
