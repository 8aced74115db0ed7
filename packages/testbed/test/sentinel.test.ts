import { once } from "node:events";
import { existsSync } from "node:fs";
import { createConnection } from "node:net";
import { afterAll, beforeAll, expect, test } from "vitest";
import { eventually, startSentinel, type TestSentinel, type TestValkey } from "../src/index.ts";

// A machine without the program installs it first.
const installMs = 300_000;
const deadlineMs = 40_000;

let set: TestSentinel;

beforeAll(async () => {
  set = await startSentinel({ password: "for the servers", settings: { maxmemory: "20mb" } });
}, installMs);
afterAll(() => set.close());

async function role(node: TestValkey): Promise<unknown> {
  return ((await node.command("ROLE")) as unknown[])[0];
}

async function becomesReplica(node: TestValkey): Promise<boolean> {
  return eventually(
    async () => {
      const [role, , , state] = (await node.command("ROLE")) as string[];
      return role === "slave" && state === "connected";
    },
    { deadlineMs, what: `server ${set.nodes.indexOf(node)} as a replica in step` },
  );
}

async function anotherPrimary(before: TestValkey): Promise<TestValkey> {
  const next = async () => {
    const now = await set.primary();
    return now !== before && now;
  };
  return eventually(next, { deadlineMs, what: "another primary" });
}

test("has three sentinels, a primary and two replicas with the settings given", async () => {
  expect(new Set(set.sentinels.map(({ host, port }) => `${host}:${port}`)).size).toBe(3);
  expect(await set.primary()).toBe(set.nodes[0]);
  expect(await Promise.all(set.nodes.map(role))).toEqual(["master", "slave", "slave"]);
  for (const node of set.nodes) {
    expect(await node.command("CONFIG", "GET", "maxmemory")).toEqual(["maxmemory", String(20 * 1024 * 1024)]);
  }
});

test("an ordered failover makes another node the primary, again and again", async () => {
  for (let turn = 0; turn < 2; turn++) {
    const before = await set.primary();
    await before.command("SET", `turn ${turn}`, "kept");
    expect(await before.command("WAIT", 2, 10_000)).toBe(2);

    await set.failover();
    const after = await set.primary();
    expect(after).not.toBe(before);
    expect(await role(after)).toBe("master");
    expect(await after.command("GET", `turn ${turn}`)).toBe("kept");
    expect(await becomesReplica(before)).toBe(true);
  }
});

test("a killed primary is replaced, and comes back as a replica of its successor", async () => {
  const killed = await set.primary();
  await killed.kill9();
  const successor = await anotherPrimary(killed);
  await successor.command("SET", "written to", "the successor");

  await killed.start();
  expect(await becomesReplica(killed)).toBe(true);
  expect(await killed.command("GET", "written to")).toBe("the successor");
  await expect(killed.command("SET", "written to", "a replica")).rejects.toThrow(/^READONLY/);
});

test("a paused primary is replaced, and finds itself a replica when it goes on", async () => {
  const paused = await set.primary();
  await paused.pause();
  const successor = await anotherPrimary(paused);
  expect(await role(successor)).toBe("master");
  await paused.resume();
  expect(await becomesReplica(paused)).toBe(true);
});

test("a replica that is killed stays what it is", async () => {
  const primary = await set.primary();
  const replica = set.nodes.find((node) => node !== primary);
  if (!replica) throw new Error("a set has replicas");
  await replica.kill9();
  await replica.start();
  expect(await becomesReplica(replica)).toBe(true);
  expect(await set.primary()).toBe(primary);
});

test("close ends the whole set and removes its folders", async () => {
  const own = await startSentinel({ downAfterMs: 5_000 });
  const folders: string[] = [];
  for (const node of own.nodes) folders.push(((await node.command("CONFIG", "GET", "dir")) as string[])[1] ?? "");
  expect(folders.every(existsSync)).toBe(true);
  await own.close();
  expect(folders.some(existsSync)).toBe(false);
  const { host, port } = own.sentinels[0] ?? {};
  const socket = createConnection({ host, port: port ?? 0 });
  await expect(once(socket, "connect")).rejects.toThrow(/ECONNREFUSED/);
});
