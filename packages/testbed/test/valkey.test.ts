import { existsSync } from "node:fs";
import { createConnection, type Socket } from "node:net";
import { once } from "node:events";
import { afterAll, afterEach, beforeAll, expect, test, vi } from "vitest";
import { eventually, startValkey, tempDir, type TestValkey } from "../src/index.ts";

// A machine without the program installs it first.
const installMs = 300_000;

let valkey: TestValkey;
const sockets: Socket[] = [];

beforeAll(async () => {
  valkey = await startValkey({ settings: { maxmemory: "20mb", save: "900 1 300 10" } });
}, installMs);
afterEach(() => {
  vi.unstubAllEnvs();
  for (const socket of sockets.splice(0)) socket.destroy();
});
afterAll(() => valkey.close());

/** A connection that has been answered once; `received` grows. */
async function connect(): Promise<{ socket: Socket; received: () => string }> {
  const socket = createConnection(valkey.port, valkey.host).setEncoding("utf8");
  sockets.push(socket);
  let received = "";
  socket.on("data", (text) => (received += text));
  socket.on("error", () => {});
  await once(socket, "connect");
  socket.write("PING\r\n");
  await eventually(() => received === "+PONG\r\n", { deadlineMs: 5_000, what: "its first answer" });
  received = "";
  return { socket, received: () => received };
}

async function setting(name: string): Promise<unknown> {
  return valkey.command("CONFIG", "GET", name);
}

test("listens on loopback, keeps every write in its file and evicts nothing", async () => {
  expect(valkey.url).toBe(`redis://127.0.0.1:${valkey.port}`);
  expect(valkey.version).toMatch(/^(redis|valkey) \d+\.\d+\.\d+$/);
  expect(await setting("bind")).toEqual(["bind", "127.0.0.1"]);
  expect(await setting("appendonly")).toEqual(["appendonly", "yes"]);
  expect(await setting("appendfsync")).toEqual(["appendfsync", "everysec"]);
  expect(await setting("maxmemory-policy")).toEqual(["maxmemory-policy", "noeviction"]);
});

test("takes settings as a redis.conf has them", async () => {
  expect(await setting("maxmemory")).toEqual(["maxmemory", String(20 * 1024 * 1024)]);
  expect(await setting("save")).toEqual(["save", "900 1 300 10"]);
});

test("a command gives the server's answer, or rejects with its error", async () => {
  expect(await valkey.command("RPUSH", "list", "a", 2)).toBe(2);
  expect(await valkey.command("LRANGE", "list", 0, -1)).toEqual(["a", "2"]);
  expect(await valkey.command("GET", "nothing")).toBeNull();
  await expect(valkey.command("INCR", "list")).rejects.toThrow(/^WRONGTYPE/);
  await expect(valkey.command("NONSENSE")).rejects.toThrow(/unknown command/);
});

test("a password is asked for, whatever it holds", async () => {
  const password = 'a b:c/@"\\é';
  const own = await startValkey({ password });
  expect(decodeURIComponent(new URL(own.url).password)).toBe(password);
  expect(await own.command("PING")).toBe("PONG");
  const socket = createConnection(own.port, own.host).setEncoding("utf8");
  sockets.push(socket);
  socket.write("PING\r\n");
  expect((await once(socket, "data"))[0]).toMatch(/^-NOAUTH/);
  await own.close();
});

test("a kill -9 ends every connection, and a new start has what was written", async () => {
  const { socket } = await connect();
  const closed = once(socket, "close");
  for (let n = 0; n < 50; n++) await valkey.command("RPUSH", "killed", n);
  const { pid, port } = valkey;

  await valkey.kill9();
  await closed;
  await expect(valkey.command("PING")).rejects.toThrow(/ECONNREFUSED|closed/);

  await valkey.start();
  expect(valkey.pid).not.toBe(pid);
  expect(valkey.port).toBe(port);
  expect(await valkey.command("LRANGE", "killed", 0, -1)).toEqual(Array.from({ length: 50 }, (_, n) => String(n)));
});

test("a restart keeps address and data, and ends connections", async () => {
  await valkey.command("SET", "kept", "yes");
  const { socket } = await connect();
  const closed = once(socket, "close");
  await valkey.restart();
  await closed;
  expect(await valkey.command("GET", "kept")).toBe("yes");
});

test("a paused server keeps its connections and answers when it goes on", async () => {
  const { socket, received } = await connect();
  await valkey.pause();
  socket.write("PING\r\n");
  await expect(eventually(received, { deadlineMs: 200 })).rejects.toThrow(/not within/);
  expect(socket.readyState).toBe("open");
  await valkey.resume();
  expect(await eventually(received, { deadlineMs: 5_000, what: "the late answer" })).toBe("+PONG\r\n");
});

test("a paused server can be stopped and killed", async () => {
  await valkey.command("SET", "before", "the pause");
  await valkey.pause();
  await valkey.stop();
  await valkey.start();
  await valkey.pause();
  await valkey.kill9();
  await valkey.start();
  expect(await valkey.command("GET", "before")).toBe("the pause");
});

test("an order that has nothing to do does nothing", async () => {
  const { pid } = valkey;
  await valkey.start();
  await valkey.resume();
  expect(valkey.pid).toBe(pid);
  await valkey.stop();
  await valkey.stop();
  await valkey.kill9();
  await valkey.pause();
  await valkey.start();
  expect(await valkey.command("PING")).toBe("PONG");
});

test("a server that ended by itself can be started again", async () => {
  await expect(valkey.command("SHUTDOWN")).rejects.toThrow(/closed/);
  const { pid } = valkey;
  await eventually(
    async () => {
      await valkey.start();
      return valkey.pid !== pid;
    },
    { deadlineMs: 10_000, what: "another server" },
  );
  expect(await valkey.command("PING")).toBe("PONG");
});

test("a server that can't start says why", async () => {
  await expect(startValkey({ settings: { maxmemory: "nonsense" } })).rejects.toThrow(/'maxmemory nonsense'/);
});

test("close removes its folder, of a paused one too", async () => {
  const own = await startValkey();
  const [, folder] = (await own.command("CONFIG", "GET", "dir")) as [string, string];
  expect(existsSync(folder)).toBe(true);
  await own.pause();
  await own.close();
  expect(existsSync(folder)).toBe(false);
});

test("REDIS_SERVER_BIN names the program, and one that can't be run is told", async () => {
  const missing = `${tempDir("empty")}/valkey-server`;
  vi.stubEnv("REDIS_SERVER_BIN", missing);
  await expect(startValkey()).rejects.toThrow(`${missing} can't be run`);
});

test("without a program and a way to install one, the error says what to do", async () => {
  vi.stubEnv("PATH", tempDir("empty"));
  await expect(startValkey()).rejects.toThrow(/apt-get install redis-server[^]*REDIS_SERVER_BIN/);
});
