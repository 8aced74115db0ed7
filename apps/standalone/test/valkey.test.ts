import { readFileSync, statSync, writeFileSync } from "node:fs";
import { once } from "node:events";
import { createServer } from "node:net";
import { join } from "node:path";
import { createLogger } from "@fleetwire/service";
import { eventually, removeTempDir, runSource, tempDir, valkeyBinary, type TestProcess } from "@fleetwire/testbed";
import { Redis } from "ioredis";
import { afterEach, beforeAll, beforeEach, expect, test } from "vitest";
import { startPrivateValkey, type PrivateValkey } from "../src/valkey/valkey.ts";
import { processesWith, startStandalone } from "./standalone-process.ts";

let program: string;
let home: string;
const started: PrivateValkey[] = [];
const owners: TestProcess[] = [];

// A machine without the program installs it first.
beforeAll(async () => void (program = await valkeyBinary()), 300_000);
beforeEach(() => void (home = tempDir("valkey home")));
afterEach(async () => {
  await Promise.all(started.splice(0).map((valkey) => valkey.stop(5_000)));
  await Promise.all(owners.splice(0).map((owner) => owner.kill9Group()));
  removeTempDir(home);
});

async function start(options: { program?: string } = {}): Promise<PrivateValkey> {
  const log = createLogger({ service: "test", level: "silent" });
  const valkey = await startPrivateValkey({ home, program, environment: {}, log, ...options });
  started.push(valkey);
  return valkey;
}

async function ask(url: string, name: string, ...args: string[]): Promise<unknown> {
  const client = new Redis(url, { lazyConnect: true, protocol: 2, enableReadyCheck: false, retryStrategy: () => null });
  client.on("error", () => {});
  try {
    await client.connect();
    return await client.call(name, ...args);
  } finally {
    client.disconnect();
  }
}

function pidOfServer(): number {
  return Number(readFileSync(join(home, "valkey/valkey.pid"), "utf8"));
}

function serverLog(): string {
  return readFileSync(join(home, "valkey/valkey.log"), "utf8");
}

function mode(name: string): number {
  return statSync(join(home, "valkey", name)).mode & 0o777;
}

/** Starts it in a process of its own. */
async function startOwner(): Promise<{ owner: TestProcess; url: string }> {
  const owner = runSource(new URL("owners/of-valkey.ts", import.meta.url), [home, program]);
  owners.push(owner);
  const [, url = ""] = await owner.waitForLine(/^runs at (\S+)$/);
  return { owner, url };
}

async function isGone(url: string): Promise<boolean> {
  const answers = () => ask(url, "PING").then(Boolean, () => false);
  return eventually(async () => !(await answers()), { deadlineMs: 10_000, what: "the server's end" });
}

test("it is on loopback, behind a password, on disk within a second and evicts nothing", async () => {
  const { url, port, dataFolder } = await start();
  expect(url).toMatch(new RegExp(`^redis://:[\\w-]{43}@127\\.0\\.0\\.1:${port}$`));
  const settings = ["bind", "appendonly", "appendfsync", "maxmemory-policy", "save", "dir"];
  const values = await Promise.all(settings.map((name) => ask(url, "CONFIG", "GET", name)));
  expect(values).toEqual([
    ["bind", "127.0.0.1"],
    ["appendonly", "yes"],
    ["appendfsync", "everysec"],
    ["maxmemory-policy", "noeviction"],
    ["save", ""],
    ["dir", dataFolder],
  ]);
  await expect(ask(`redis://127.0.0.1:${port}`, "GET", "x")).rejects.toThrow(/NOAUTH/);
  expect(dataFolder.startsWith(join(home, "valkey"))).toBe(true);
});

test("what it knows is its owner's alone, and not in a command line", async () => {
  const { url } = await start();
  expect([mode("."), mode("data"), mode("server.json"), mode("valkey.conf")]).toEqual([0o700, 0o700, 0o600, 0o600]);
  expect(await processesWith(new URL(url).password)).toEqual([]);
});

test("the next start has its data under the same URL", async () => {
  const first = await start();
  await ask(first.url, "SET", "kept", "yes");
  await first.stop(10_000);
  expect(await first.ended).toBe("Valkey ended (exit code 0)");
  const second = await start();
  expect(second.url).toBe(first.url);
  expect(await ask(second.url, "GET", "kept")).toBe("yes");
});

test("where its port was taken meanwhile it takes another, and has its data", async () => {
  const first = await start();
  await ask(first.url, "SET", "kept", "yes");
  await first.stop(10_000);
  const other = createServer().listen(first.port, "127.0.0.1");
  await once(other, "listening");
  const second = await start();
  other.close();
  expect(second.port).not.toBe(first.port);
  expect(await ask(second.url, "GET", "kept")).toBe("yes");
});

test("it ends in order when its standalone is killed with -9", async () => {
  const { owner, url } = await startOwner();
  await ask(url, "SET", "kept", "yes");
  await owner.kill9();
  expect(await isGone(url)).toBe(true);
  await eventually(() => serverLog().includes("ready to exit"), { deadlineMs: 5_000, what: "its last words" });
  await eventually(async () => (await processesWith(home)).length === 0, { deadlineMs: 5_000, what: "no process" });
});

test("one that was left behind is ended by the next start, which has its data", async () => {
  const { owner, url } = await startOwner();
  await ask(url, "SET", "kept", "yes");
  const left = pidOfServer();
  // A stopped process hears of nothing.
  process.kill(left, "SIGSTOP");
  await owner.kill9();

  const valkey = await start();
  expect(valkey.url).toBe(url);
  expect(pidOfServer()).not.toBe(left);
  expect(await ask(url, "GET", "kept")).toBe("yes");
});

test("a process that has got the pid of one that was killed is left alone", async () => {
  const first = await start();
  await first.stop(0);
  const bystander = runSource(new URL("owners/of-a-pid.ts", import.meta.url));
  owners.push(bystander);
  await bystander.waitForLine(/^up$/);
  writeFileSync(join(home, "valkey/valkey.pid"), `${bystander.pid}\n`);
  await start();
  bystander.signal("SIGUSR2");
  await bystander.waitForLine(/^alive$/);
  expect(bystander.stdout).toEqual(["up", "alive"]);
});

test("without a program it says what to install and which variables to set", async () => {
  const standalone = startStandalone(home, [], { COMMAND_STORE: "valkey", PATH: join(home, "nothing") });
  expect((await standalone.exited).code).toBe(1);
  expect(standalone.stderr.join("\n")).toMatch(
    /^fleetwire: .*neither valkey-server nor redis-server is on PATH\n.*apt-get install redis-server.*REDIS_SERVER_BIN.*VALKEY_URL/,
  );
});

test("a program that isn't there, or isn't one, is named", async () => {
  const missing = join(home, "valkey-server");
  await expect(start({ program: missing })).rejects.toThrow(`COMMAND_STORE=valkey: ${missing} isn't there`);
  writeFileSync(missing, "#!/bin/sh\nexit 1\n", { mode: 0o755 });
  await expect(start({ program: missing })).rejects.toThrow(`COMMAND_STORE=valkey: ${missing} can't be run`);
});

test("one that doesn't come up leads to its log", async () => {
  const broken = join(home, "valkey-server");
  writeFileSync(broken, '#!/bin/sh\n[ "$1" = --version ] || { echo "no memory"; exit 3; }\n', { mode: 0o755 });
  await expect(start({ program: broken })).rejects.toMatchObject({
    message: `${broken} doesn't start: exit code 3`,
    whatToDo: `see what it says in ${join(home, "valkey/valkey.log")}`,
  });
  expect(serverLog()).toBe("no memory\n");
});
