import { randomBytes } from "node:crypto";
import { once } from "node:events";
import { connect, createServer, type Server, type Socket } from "node:net";
import { afterEach, beforeEach, expect, test } from "vitest";
import { eventually, type FaultProxy, freePort, startFaultProxy } from "../src/index.ts";

let server: Server;
let targetPort: number;
let proxy: FaultProxy;
let accepted: Socket[];
let onAccept: (socket: Socket) => void;
const clients: Socket[] = [];

beforeEach(async () => {
  accepted = [];
  onAccept = (socket) => socket.pipe(socket);
  server = createServer({ allowHalfOpen: true }, (socket) => {
    socket.on("error", () => {});
    accepted.push(socket);
    onAccept(socket);
  });
  targetPort = await freePort();
  server.listen(targetPort, "127.0.0.1");
  await once(server, "listening");
  proxy = await startFaultProxy({ target: { host: "127.0.0.1", port: targetPort } });
});

afterEach(async () => {
  for (const socket of [...clients.splice(0), ...accepted]) socket.destroy();
  await proxy.close();
  server.close();
});

/** A client through the proxy, and what it heard. */
function open(): { socket: Socket; heard: () => Buffer; ended: () => boolean; failure: () => string | undefined } {
  const socket = connect({ port: proxy.port, host: proxy.host, allowHalfOpen: true });
  clients.push(socket);
  const chunks: Buffer[] = [];
  let ended = false;
  let failure: string | undefined;
  socket.on("data", (chunk: Buffer) => chunks.push(chunk));
  socket.on("end", () => (ended = true));
  socket.on("error", (error: NodeJS.ErrnoException) => (failure = error.code));
  return { socket, heard: () => Buffer.concat(chunks), ended: () => ended, failure: () => failure };
}

const soon = { deadlineMs: 10_000 };

async function echo(client: ReturnType<typeof open>, text: string): Promise<void> {
  client.socket.write(text);
  await eventually(() => client.heard().toString().endsWith(text), { ...soon, what: `the echo of ${text}` });
}

test("passes bytes both ways unchanged, then each side's end, and forgets the connection", async () => {
  const client = open();
  const sent = randomBytes(5_000_000);
  client.socket.end(sent);
  await eventually(client.ended, { ...soon, what: "the end of the echo" });
  expect(client.heard().equals(sent)).toBe(true);
  await eventually(() => proxy.connections() === 0, soon);
});

test("an end of one side leaves the other side speaking", async () => {
  onAccept = (socket) => {
    socket.resume();
    socket.once("end", () => socket.end("said after your end"));
  };
  const client = open();
  client.socket.end("question");
  await eventually(client.ended, soon);
  expect(client.heard().toString()).toBe("said after your end");
});

test("a reset of one side resets the other", async () => {
  const client = open();
  await echo(client, "hello");
  accepted[0]?.resetAndDestroy();
  expect(await eventually(client.failure, soon)).toBe("ECONNRESET");
});

test("a target that isn't there resets the client", async () => {
  server.close();
  const client = open();
  expect(await eventually(client.failure, soon)).toBe("ECONNRESET");
  await eventually(() => proxy.connections() === 0, soon);
});

test("cut resets both sides and refuses new ones until it heals", async () => {
  const client = open();
  await echo(client, "hello");
  let serverFailed: boolean | undefined;
  accepted[0]?.once("close", (hadError) => (serverFailed = hadError));

  proxy.cut();
  expect(await eventually(client.failure, soon)).toBe("ECONNRESET");
  await eventually(() => serverFailed, { ...soon, what: "the reset of the server's side" });
  const refused = open();
  await eventually(() => refused.failure() === "ECONNREFUSED", soon);
  expect(proxy.connections()).toBe(0);

  await proxy.heal();
  await echo(open(), "hello again");
});

test("half-open passes nothing and tells nothing, then everything in order", async () => {
  const client = open();
  await echo(client, "before ");
  proxy.halfOpen();
  client.socket.write("during ");
  accepted[0]?.write("from the server ");

  // The proof that nothing passes: the same writes on a fair connection, made later, arrive first.
  const fair = await startFaultProxy({ target: { host: "127.0.0.1", port: targetPort } });
  const witness = connect(fair.port, fair.host);
  witness.write("witness");
  await once(witness, "data");
  witness.destroy();
  await fair.close();
  expect(client.heard().toString()).toBe("before ");

  await proxy.heal();
  await eventually(() => client.heard().length === "before during from the server ".length, soon);
});

test.each(["end", "resetAndDestroy"] as const)("half-open swallows a client's %s until it heals", async (ending) => {
  const client = open();
  await echo(client, "hello");
  const serverSocket = accepted[0];
  let told = false;
  serverSocket?.on("end", () => (told = true));
  serverSocket?.on("close", () => (told = true));

  proxy.halfOpen();
  client.socket[ending]();
  await expect(eventually(() => told, { deadlineMs: 200 })).rejects.toThrow(/not within/);
  expect(serverSocket?.destroyed).toBe(false);

  await proxy.heal();
  await eventually(() => told, { ...soon, what: "the server side to learn of the end" });
});

test("half-open swallows a server's reset until it heals", async () => {
  const client = open();
  await echo(client, "hello");
  proxy.halfOpen();
  accepted[0]?.resetAndDestroy();
  await expect(eventually(client.failure, { deadlineMs: 200 })).rejects.toThrow(/not within/);
  await proxy.heal();
  expect(await eventually(client.failure, soon)).toBe("ECONNRESET");
});

test("a connection made while half-open is accepted, hears nothing, and works after it heals", async () => {
  proxy.halfOpen();
  const client = open();
  await once(client.socket, "connect");
  client.socket.write("early");
  await expect(eventually(() => accepted.length > 0, { deadlineMs: 200 })).rejects.toThrow(/not within/);
  await proxy.heal();
  await eventually(() => client.heard().toString() === "early", soon);
});

test("half-open slows a sender down instead of buffering without bound", async () => {
  const client = open();
  await echo(client, "hello");
  proxy.halfOpen();
  const enough = 64 * 1024 * 1024;
  client.socket.write(Buffer.alloc(enough));
  await expect(
    eventually(() => client.socket.bytesWritten >= enough && client.socket.writableLength === 0, { deadlineMs: 500 }),
  ).rejects.toThrow(/not within/);
});

test("delay holds each direction back and keeps the order", async () => {
  const client = open();
  await echo(client, "warm");
  proxy.delay(60);
  const start = performance.now();
  for (const word of ["one ", "two ", "three"]) client.socket.write(word);
  await eventually(() => client.heard().toString() === "warmone two three", soon);
  expect(performance.now() - start).toBeGreaterThanOrEqual(119);
});

test("delay delays, but doesn't limit, a stream of many pieces", async () => {
  proxy.delay(50);
  const client = open();
  await once(client.socket, "connect");
  const start = performance.now();
  for (let piece = 0; piece < 100; piece++) client.socket.write(randomBytes(100));
  await eventually(() => client.heard().length === 10_000, soon);
  expect(performance.now() - start).toBeLessThan(100 * 50);
});

test("bandwidth limits each direction and slows the sender down", async () => {
  onAccept = (socket) => socket.resume();
  const client = open();
  await once(client.socket, "connect");
  proxy.bandwidth(200_000);
  const start = performance.now();
  client.socket.end(Buffer.alloc(100_000));
  await eventually(() => accepted[0]?.readableEnded, soon);
  const seconds = (performance.now() - start) / 1000;
  // The first slice (20 ms) goes at once.
  expect(100_000 / (seconds + 0.02)).toBeLessThanOrEqual(205_000);

  const flood = open();
  await once(flood.socket, "connect");
  const enough = 64 * 1024 * 1024;
  flood.socket.write(Buffer.alloc(enough));
  await expect(eventually(() => flood.socket.writableLength === 0, { deadlineMs: 500 })).rejects.toThrow(/not within/);
});

test("heal ends delay and bandwidth for what is still held", async () => {
  const client = open();
  await echo(client, "hello");
  proxy.delay(3_600_000);
  proxy.bandwidth(1);
  client.socket.write(" and what was held");
  await proxy.heal();
  await echo(client, " and more");
  expect(client.heard().toString()).toBe("hello and what was held and more");
});
