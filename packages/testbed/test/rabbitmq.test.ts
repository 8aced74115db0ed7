import { once } from "node:events";
import { existsSync, readdirSync, readFileSync, readlinkSync } from "node:fs";
import { createConnection, type Socket } from "node:net";
import { connect as connectTls, type TLSSocket } from "node:tls";
import { afterAll, afterEach, beforeAll, expect, test, vi } from "vitest";
import {
  eventually,
  runSource,
  startRabbitMQ,
  tempDir,
  testCertificates,
  type TestCertificates,
  type TestRabbitMQ,
} from "../src/index.ts";
import { childrenOf, isRunning } from "../src/process/process-tree.ts";

// A machine without the program installs it first.
const installMs = 300_000;
const greeting = Buffer.from("AMQP\0\0\u0009\u0001", "latin1");

let certificates: TestCertificates;
let rabbitmq: TestRabbitMQ;
const sockets: Socket[] = [];

beforeAll(async () => {
  certificates = await testCertificates();
  const { ca, cert, key } = certificates;
  rabbitmq = await startRabbitMQ({ settings: { channel_max: "10" }, tls: { ca, cert, key, verifyPeer: true } });
}, installMs);
afterEach(() => {
  vi.unstubAllEnvs();
  for (const socket of sockets.splice(0)) socket.destroy();
});
afterAll(() => rabbitmq.close());

/** An AMQP connection to which nothing was said yet. */
async function connect(): Promise<Socket> {
  const socket = createConnection(rabbitmq.port, rabbitmq.host);
  sockets.push(socket);
  socket.on("error", () => {});
  await once(socket, "connect");
  return socket;
}

async function connectByTls(client: { cert?: string; key?: string }): Promise<TLSSocket> {
  const { host, tlsPort = 0 } = rabbitmq;
  const socket = connectTls({ host, port: tlsPort, ca: certificates.ca, ...client });
  sockets.push(socket);
  await once(socket, "secureConnect");
  return socket;
}

/** Class and method of the next frame, and the frame itself. */
async function nextMethod(socket: Socket): Promise<{ method: string; frame: string }> {
  const [frame] = (await once(socket, "data", { signal: AbortSignal.timeout(10_000) })) as [Buffer];
  return { method: `${frame.readUInt16BE(7)}.${frame.readUInt16BE(9)}`, frame: frame.toString("latin1") };
}

function queuePath(vhost: string, queue: string): string {
  return `/api/queues/${encodeURIComponent(vhost)}/${queue}`;
}

/** Makes a durable queue that holds one persistent message. */
async function fill(vhost: string, queue: string, payload: string): Promise<void> {
  await rabbitmq.api("PUT", queuePath(vhost, queue), { durable: true });
  const message = { routing_key: queue, payload, payload_encoding: "string", properties: { delivery_mode: 2 } };
  const path = `/api/exchanges/${encodeURIComponent(vhost)}/amq.default/publish`;
  expect(await rabbitmq.api("POST", path, message)).toEqual({ routed: true });
}

async function messagesOf(vhost: string, queue: string): Promise<string[]> {
  const request = { count: 10, ackmode: "ack_requeue_true", encoding: "auto" };
  const messages = (await rabbitmq.api("POST", `${queuePath(vhost, queue)}/get`, request)) as { payload: string }[];
  return messages.map(({ payload }) => payload);
}

/** What the management API answers a user. */
async function askAs(user: string, password: string, path: string): Promise<{ status: number; body: unknown }> {
  const authorization = `Basic ${Buffer.from(`${user}:${password}`).toString("base64")}`;
  const response = await fetch(`${rabbitmq.managementUrl}${path}`, { headers: { authorization } });
  return { status: response.status, body: await response.json() };
}

async function descendantsOf(pid: number): Promise<number[]> {
  const children = await childrenOf(pid);
  return [...children, ...(await Promise.all(children.map(descendantsOf))).flat()];
}

async function allGone(pids: readonly number[]): Promise<true> {
  const gone = async () => !(await Promise.all(pids.map(isRunning))).some(Boolean);
  return eventually(gone, { deadlineMs: 10_000, what: `the end of processes ${pids.join(", ")}` });
}

/** The local addresses that a process listens on, as Linux writes them: in hexadecimal, the bytes of each word reversed. */
function listeningAddresses(pid: number): string[] {
  const links = readdirSync(`/proc/${pid}/fd`).map((fd) => readlinkSync(`/proc/${pid}/fd/${fd}`));
  const inodes = new Set(links.map((link) => link.match(/^socket:\[(\d+)\]$/)?.[1]));
  const lines = ["tcp", "tcp6"].flatMap((file) => readFileSync(`/proc/${pid}/net/${file}`, "utf8").trim().split("\n"));
  return lines
    .map((line) => line.trim().split(/\s+/))
    .filter(([, , , state, , , , , , inode]) => state === "0A" && inodes.has(inode))
    .map(([, local = ""]) => local.slice(0, local.indexOf(":")));
}

test("is a broker with an administrator of its own", async () => {
  expect(rabbitmq.version).toMatch(/^\d+\.\d+\.\d+/);
  expect(rabbitmq.url()).toBe(`amqp://${rabbitmq.user}:${rabbitmq.password}@127.0.0.1:${rabbitmq.port}/%2F`);
  expect(rabbitmq.url("a/b c")).toMatch(/\/a%2Fb%20c$/);
  expect(await rabbitmq.api("GET", "/api/whoami")).toMatchObject({ name: rabbitmq.user });
  expect(await rabbitmq.api("GET", "/api/users")).toHaveLength(1);
  expect(rabbitmq.log.join("\n")).toContain("Server startup complete");
});

test.runIf(process.platform === "linux")("listens on loopback only, and so does its port mapper", async () => {
  const loopback = ["0100007F", "00000000000000000000000001000000"];
  expect(listeningAddresses(rabbitmq.pid)).toEqual(Array.from({ length: 4 }, () => loopback[0]));
  const addresses = (await childrenOf(process.pid)).flatMap(listeningAddresses);
  expect(addresses.length).toBeGreaterThan(4);
  expect(addresses.filter((address) => !loopback.includes(address))).toEqual([]);
});

test("takes settings as a rabbitmq.conf has them, and runs rabbitmqctl", async () => {
  expect(await rabbitmq.ctl("eval", "application:get_env(rabbit, channel_max).")).toBe("{ok,10}");
  await expect(rabbitmq.ctl("no_such_order")).rejects.toThrow(/^rabbitmqctl no_such_order: [^]*not found/);
});

test("the management API's errors are told with status and body", async () => {
  await expect(rabbitmq.api("GET", queuePath("/", "none"))).rejects.toThrow(
    /^GET \/api\/queues\/%2F\/none: 404 .*Not Found/,
  );
});

test("gives each test a vhost of its own", async () => {
  const [one, other] = [await rabbitmq.createVhost(), await rabbitmq.createVhost()];
  expect(one.name).not.toBe(other.name);
  expect(one.url).toBe(rabbitmq.url(one.name));
  await fill(one.name, "jobs", "in one");
  expect(await messagesOf(one.name, "jobs")).toEqual(["in one"]);
  await expect(messagesOf(other.name, "jobs")).rejects.toThrow(/404/);

  await rabbitmq.deleteVhost(one.name);
  const names = ((await rabbitmq.api("GET", "/api/vhosts")) as { name: string }[]).map(({ name }) => name);
  expect(names).toContain(other.name);
  expect(names).not.toContain(one.name);
});

test("makes users with permissions on one vhost", async () => {
  const { name: vhost } = await rabbitmq.createVhost();
  const [name, password] = ["a user/ü", "with : and ü"];
  const permissions = { vhost, configure: "^$", write: "^jobs$", read: ".*" };
  await rabbitmq.addUser({ name, password, ...permissions, tags: ["management"] });
  expect(await askAs(name, password, "/api/whoami")).toMatchObject({ status: 200, body: { name } });
  expect(await rabbitmq.api("GET", `/api/users/${encodeURIComponent(name)}/permissions`)).toEqual([
    { user: name, ...permissions },
  ]);

  await rabbitmq.addUser({ name: "nobody", ...permissions, tags: ["management"] });
  expect(await askAs("nobody", "", "/api/whoami")).toMatchObject({ status: 401 });
});

test("its TLS listener asks for a certificate, and lets its owner in by name", async () => {
  await rabbitmq.addUser({ name: "fleetwire-test-client", vhost: "/", configure: "", write: "", read: "" });
  const socket = await connectByTls(certificates.client);
  socket.write(greeting);
  const { method, frame } = await nextMethod(socket);
  expect(method).toBe("10.10"); // Connection.Start
  expect(frame).toMatch(/PLAIN EXTERNAL|EXTERNAL PLAIN/);

  // Connection.StartOk: no client properties, the mechanism, no response, the locale.
  const startOk = Buffer.from("\0\u000a\0\u000b\0\0\0\0\u0008EXTERNAL\0\0\0\0\u0005en_US", "latin1");
  const header = Buffer.from([1, 0, 0, 0, 0, 0, startOk.length]);
  socket.write(Buffer.concat([header, startOk, Buffer.from([0xce])]));
  expect((await nextMethod(socket)).method).toBe("10.30"); // Connection.Tune: it is in

  const stranger = connectByTls({}).then((strange) => once(strange, "data"));
  await expect(stranger).rejects.toThrow(/certificate required|handshake failure/i);
});

test("a kill -9 ends it with its helpers, and a new start has the durable messages", async () => {
  const vhost = await rabbitmq.createVhost();
  await fill(vhost.name, "durable", "kept");
  const { promise: closed, resolve } = Promise.withResolvers<void>();
  (await connect()).on("close", () => resolve()); // an error comes first
  const { pid, port } = rabbitmq;
  const all = [pid, ...(await descendantsOf(pid))];
  expect(all.length).toBeGreaterThan(2);

  await rabbitmq.kill9();
  await closed;
  expect(await allGone(all)).toBe(true);
  await expect(rabbitmq.api("GET", "/api/overview")).rejects.toThrow(/fetch failed/);

  await rabbitmq.start();
  expect(rabbitmq.pid).not.toBe(pid);
  expect(rabbitmq.port).toBe(port);
  expect(await messagesOf(vhost.name, "durable")).toEqual(["kept"]);
});

test("a paused broker keeps its connections and answers when it goes on", async () => {
  const socket = await connect();
  await rabbitmq.pause();
  socket.write(greeting);
  const answer = nextMethod(socket);
  let answered = false;
  void answer.then(() => (answered = true));
  await expect(eventually(() => answered, { deadlineMs: 200 })).rejects.toThrow(/not within/);
  expect(socket.readyState).toBe("open");
  await rabbitmq.resume();
  expect((await answer).method).toBe("10.10");
});

test("a restart, of a paused one too, keeps addresses and messages", async () => {
  const vhost = await rabbitmq.createVhost();
  await fill(vhost.name, "durable", "kept");
  const { pid, port, managementUrl } = rabbitmq;
  await rabbitmq.pause();
  await rabbitmq.restart();
  expect(rabbitmq.pid).not.toBe(pid);
  expect(rabbitmq).toMatchObject({ port, managementUrl });
  expect(await messagesOf(vhost.name, "durable")).toEqual(["kept"]);
});

test("an order that has nothing to do does nothing", async () => {
  const { pid } = rabbitmq;
  await rabbitmq.start();
  await rabbitmq.resume();
  await rabbitmq.unblockPublishers();
  expect(rabbitmq.pid).toBe(pid);
  await rabbitmq.kill9();
  await rabbitmq.kill9();
  await rabbitmq.stop();
  await rabbitmq.pause();
  await rabbitmq.start();
  expect(rabbitmq.pid).not.toBe(pid);
});

test("raises and clears the alarms that block publishers", async () => {
  const alarms = () => rabbitmq.api("GET", "/api/health/checks/local-alarms");
  await rabbitmq.blockPublishers("memory");
  await expect(alarms()).rejects.toThrow(/503 .*memory/);
  await rabbitmq.blockPublishers("disk");
  await expect(alarms()).rejects.toThrow(/503 .*disk/);
  await rabbitmq.unblockPublishers();
  expect(await alarms()).toMatchObject({ status: "ok" });
  expect(await rabbitmq.ctl("eval", "vm_memory_monitor:get_memory_limit().")).toBe("1000000000");
});

test("a broker that can't start says why, and leaves nothing", async () => {
  const before = await childrenOf(process.pid);
  const temporary = tempDir("a temporary folder");
  vi.stubEnv("TMPDIR", temporary);
  await expect(startRabbitMQ({ settings: { "nonsense.setting": "1" } })).rejects.toThrow(
    /it ended[^]*nonsense\.setting/,
  );
  expect(readdirSync(temporary)).toEqual([]);
  expect(await childrenOf(process.pid)).toEqual(before);
});

test("close ends it and its port mapper and removes its folder, of a paused one too", async () => {
  const before = await childrenOf(process.pid);
  const temporary = tempDir("a temporary folder");
  vi.stubEnv("TMPDIR", temporary);
  const own = await startRabbitMQ();
  expect(own.tlsPort).toBeUndefined();
  expect(readdirSync(temporary)).toHaveLength(1);
  expect(await childrenOf(process.pid)).toHaveLength(before.length + 2);
  await own.pause();
  await own.close();
  expect(readdirSync(temporary)).toEqual([]);
  expect(await childrenOf(process.pid)).toEqual(before);
});

test("a paused broker, its port mapper and its folder go with their owner", async () => {
  const temporary = tempDir("a temporary folder");
  const owner = runSource(new URL("owners/of-paused-rabbitmq.ts", import.meta.url), [], { env: { TMPDIR: temporary } });
  const broker = Number((await owner.waitForLine(/^paused (\d+)$/, 60_000))[1]);
  const [children, all] = [await childrenOf(owner.pid), await descendantsOf(owner.pid)];
  // The broker, its port mapper, the watchdog; the first has children of its own.
  expect(children).toHaveLength(3);
  expect(children).toContain(broker);
  expect(all.length).toBeGreaterThan(4);

  await owner.kill9();
  expect(await allGone(all)).toBe(true);
  expect(readdirSync(temporary)).toEqual([]);
});

test("RABBITMQ_SERVER_BIN names the program, and one that can't be run is told", async () => {
  const missing = `${tempDir("empty")}/rabbitmq-server`;
  expect(existsSync(missing)).toBe(false);
  vi.stubEnv("RABBITMQ_SERVER_BIN", missing);
  await expect(startRabbitMQ()).rejects.toThrow(`${missing} can't be run`);
});
