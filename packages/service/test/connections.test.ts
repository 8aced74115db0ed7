import { connect, type Socket } from "node:net";
import { Agent, request } from "node:http";
import { expect, onTestFinished, test } from "vitest";
import type { FastifyServer } from "../src/index.ts";
import { createThings } from "./fixtures/http-service.ts";

async function listen(server: FastifyServer): Promise<number> {
  const url = await server.listen({ host: "127.0.0.1", port: 0 });
  onTestFinished(() => server.close());
  return Number(new URL(url).port);
}

/** Sends raw bytes; `answer` resolves to everything that came when the server ends the connection. */
function dial(port: number, bytes: string): { socket: Socket; answer: Promise<string> } {
  const socket = connect(port, "127.0.0.1");
  onTestFinished(() => void socket.destroy());
  let received = "";
  const answer = new Promise<string>((resolve) => {
    socket.setEncoding("utf8").on("data", (text: string) => (received += text));
    socket.on("error", () => resolve(received)).on("close", () => resolve(received));
  });
  socket.write(bytes);
  return { socket, answer };
}

const slowHead =
  "POST /things HTTP/1.1\r\nhost: x\r\nauthorization: Bearer writer\r\ncontent-type: application/json\r\n";

test.each([
  ["what isn't HTTP", "HELLO\r\n\r\n", "400 Bad Request"],
  [
    "headers above 16 KiB",
    `GET / HTTP/1.1\r\nhost: x\r\nx: ${"y".repeat(20_000)}\r\n\r\n`,
    "431 Request Header Fields Too Large",
  ],
  ["NUL in a header", "GET / HTTP/1.1\r\nhost: x\r\nx: a\0b\r\n\r\n", "400 Bad Request"],
  [
    "two lengths",
    "POST /things HTTP/1.1\r\nhost: x\r\ncontent-length: 1\r\ncontent-length: 2\r\n\r\n{}",
    "400 Bad Request",
  ],
  [
    "a length and chunks",
    "POST /things HTTP/1.1\r\nhost: x\r\ncontent-length: 1\r\ntransfer-encoding: chunked\r\n\r\n0\r\n\r\n",
    "400 Bad Request",
  ],
])("%s is answered with a problem, and the connection ends", async (_what, bytes, status) => {
  const { server } = await createThings();
  const { answer } = dial(await listen(server), bytes);
  expect(await answer).toMatch(new RegExp(`^HTTP/1.1 ${status}\r\n[^]*application/problem\\+json[^]*"code":"`));
});

test.each([
  ["body", `${slowHead}content-length: 100\r\n\r\n{"name":`],
  ["head", slowHead],
])("a %s that never ends is answered 408 when its time is over", async (_what, bytes) => {
  const { server } = await createThings({ requestTimeoutMs: 200 });
  const { answer } = dial(await listen(server), bytes);
  expect(await answer).toMatch(/^HTTP\/1.1 408 /);
});

test("a body that is cut off leaves the server well", async () => {
  const { server } = await createThings();
  const port = await listen(server);
  const { socket, answer } = dial(port, `${slowHead}content-length: 100\r\n\r\n{"name":`);
  const arrived = new Promise<void>((resolve) => server.server.once("request", () => resolve()));
  await arrived;
  socket.resetAndDestroy();
  await answer;
  expect((await fetch(`http://127.0.0.1:${port}/health/live`)).status).toBe(200);
});

test("closing serves the request that runs, and ends its connection and the idle ones", async () => {
  const { server } = await createThings();
  const gate = Promise.withResolvers<void>();
  const entered = Promise.withResolvers<void>();
  server.get("/slow", { config: { public: true } }, async () => {
    entered.resolve();
    await gate.promise;
    return { done: true };
  });
  const port = await listen(server);
  const idle = dial(port, "GET /health/live HTTP/1.1\r\nhost: x\r\n\r\n");
  const running = dial(port, "GET /slow HTTP/1.1\r\nhost: x\r\n\r\n");
  await entered.promise;
  const closed = server.close();
  await idle.answer;
  gate.resolve();
  const answer = await running.answer;
  expect(answer).toContain('{"done":true}');
  expect(answer.toLowerCase()).toContain("connection: close");
  await closed;
});

test("a close that is announced serves on, and has each connection end with the next answer", async () => {
  const { server } = await createThings();
  const port = await listen(server);
  const kept = dial(port, "GET /health/live HTTP/1.1\r\nhost: x\r\n\r\n");
  await new Promise<void>((resolve) => kept.socket.once("data", () => resolve()));
  server.announceClose();
  kept.socket.write("GET /health/live HTTP/1.1\r\nhost: x\r\n\r\n");
  const answers = (await kept.answer).toLowerCase();
  expect(answers.match(/http\/1.1 200 ok/g)).toHaveLength(2);
  expect(answers.match(/connection: close/g)).toHaveLength(1);
  const fresh = dial(port, "GET /health/live HTTP/1.1\r\nhost: x\r\n\r\n");
  expect((await fresh.answer).toLowerCase()).toContain("connection: close");
});

test("closing tells streams, which end themselves", async () => {
  const { server } = await createThings({ closeGraceMs: 60_000 });
  server.get("/stream", { config: { public: true } }, async (_request, reply) => {
    reply.hijack();
    reply.raw.writeHead(200, { "content-type": "text/event-stream" });
    reply.raw.write("data: hello\n\n");
    server.closing.addEventListener("abort", () => reply.raw.end("data: bye\n\n"));
  });
  const port = await listen(server);
  const stream = dial(port, "GET /stream HTTP/1.1\r\nhost: x\r\n\r\n");
  await new Promise<void>((resolve) => stream.socket.once("data", () => resolve()));
  await server.close();
  expect(await stream.answer).toContain("data: bye");
});

test("closing cuts what doesn't end within its grace", async () => {
  const { server, lines } = await createThings({ closeGraceMs: 100 });
  server.get("/stuck", { config: { public: true } }, () => new Promise<never>(() => {}));
  const port = await listen(server);
  const entered = new Promise<void>((resolve) => server.server.once("request", () => resolve()));
  const stuck = dial(port, "GET /stuck HTTP/1.1\r\nhost: x\r\n\r\n");
  await entered;
  await server.close();
  expect(await stuck.answer).toBe("");
  expect(lines.join()).toContain("their connections are cut");
});

test("a client that keeps its connections alive is no reason to wait", async () => {
  const { server } = await createThings({ closeGraceMs: 60_000 });
  const port = await listen(server);
  const agent = new Agent({ keepAlive: true, maxSockets: 1 });
  onTestFinished(() => agent.destroy());
  await new Promise<void>((resolve, reject) => {
    request({ port, host: "127.0.0.1", path: "/health/live", agent }, (answer) => answer.resume().on("end", resolve))
      .on("error", reject)
      .end();
  });
  await server.close();
  expect(server.server.listening).toBe(false);
});
