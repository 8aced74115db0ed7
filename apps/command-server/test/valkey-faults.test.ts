import { randomUUID } from "node:crypto";
import { once } from "node:events";
import { setImmediate as nextTurn } from "node:timers/promises";
import { afterEach, describe, expect, it } from "vitest";
import { createLogger, createMetrics, systemClock } from "@fleetwire/service";
import { eventually, startFaultProxy, startSentinel, startValkey } from "@fleetwire/testbed";
import type { Registry } from "prom-client";
import type { CommandStore } from "../src/store/command-store.ts";
import { connectValkey, type ValkeyTarget } from "../src/store/valkey/connection.ts";
import { createValkeyStore } from "../src/store/valkey-store.ts";
import { enrolAgent, exited, newCommand } from "./command-store/fixture.ts";

const log = createLogger({ service: "valkey-faults-test", level: "silent" });
const cleanUps: (() => Promise<unknown>)[] = [];

afterEach(async () => {
  for (const cleanUp of cleanUps.splice(0).toReversed()) await cleanUp();
});

async function open(target: ValkeyTarget): Promise<{ store: CommandStore; metrics: Registry }> {
  const metrics = createMetrics({ service: "command-server" });
  const options = { target, serverId: randomUUID(), log, metrics, clock: systemClock, foreign: null };
  const store = await createValkeyStore(options);
  cleanUps.push(() => store.close());
  return { store, metrics };
}

async function valkeyOf(options: Parameters<typeof startValkey>[0] = {}) {
  const valkey = await startValkey(options);
  cleanUps.push(() => valkey.close());
  return valkey;
}

/** Queues commands one after the other until `stop` says so; what was confirmed, and when the last gap was how long. */
function steadily(store: CommandStore, agentId: string, companyId: string) {
  const confirmed: string[] = [];
  const stopped = new AbortController();
  const done = (async () => {
    while (!stopped.signal.aborted) {
      const command = newCommand({ agentId, companyId });
      const answer = await store.enqueue(command).catch(() => null);
      if (answer?.kind === "queued") confirmed.push(command.commandId);
      // A store that is away refuses at once: let its connection have a turn.
      else await nextTurn();
    }
  })();
  return {
    confirmed,
    stop: async () => {
      stopped.abort();
      await done;
    },
  };
}

async function found(store: CommandStore, companyId: string, ids: readonly string[]): Promise<Set<string>> {
  const commands = await Promise.all(ids.map((id) => store.get(companyId, id)));
  return new Set(commands.flatMap((command) => (command === null ? [] : [command.commandId])));
}

async function reconnections(metrics: Registry): Promise<number> {
  const metric = await metrics.getSingleMetric("command_store_reconnects_total")?.get();
  return metric?.values[0]?.value ?? 0;
}

async function lostSoFar(metrics: Registry): Promise<number> {
  const metric = await metrics.getSingleMetric("command_store_changes_lost_total")?.get();
  return metric?.values[0]?.value ?? 0;
}

describe("a Valkey that can't be used", () => {
  it.each([
    ["refuses the password", { password: "right" }, "wrong", /refuses this server's credentials/],
    [
      "throws keys away",
      { settings: { "maxmemory-policy": "allkeys-lru", maxmemory: "100mb" } },
      undefined,
      /maxmemory-policy is allkeys-lru/,
    ],
  ])("says at the start that it %s", async (_, options, password, message) => {
    const { host, port } = await valkeyOf(options);
    await expect(open({ host, port, password })).rejects.toThrow(message);
  });

  it("says at the start that nobody listens there", async () => {
    const valkey = await valkeyOf();
    await valkey.stop();
    await expect(open({ host: valkey.host, port: valkey.port })).rejects.toMatchObject({ code: "store_unavailable" });
  });
});

describe("a Valkey at maxmemory", () => {
  it("refuses what is new, and lets what was accepted come to its end", async () => {
    const valkey = await valkeyOf();
    const { store } = await open({ url: valkey.url });
    const agent = await enrolAgent(store);
    await agent.connect();
    const running = await agent.start();
    const waiting = await agent.queue();
    await valkey.command("CONFIG", "SET", "maxmemory", "1mb");
    const refused = store.enqueue(newCommand());
    await expect(refused).rejects.toMatchObject({ code: "store_full", kind: "unavailable" });
    await expect(refused).rejects.toThrow(/full/);

    const output = { ...running, offset: 0, stream: "stdout" as const, data: Buffer.from("all of it") };
    expect(await store.appendOutput(output)).toBe(9);
    expect(await store.result(exited(running, { outputBytes: 9 }))).toMatchObject({ kind: "applied" });
    const beat = { agentId: agent.agentId, epoch: agent.epoch, running: 0, load1: 0, freeMemoryBytes: 0 };
    expect(await store.heartbeat([beat])).toEqual([]);
    await agent.connect({ highest: running.assignNo });
    expect((await agent.assign()).map(({ commandId }) => commandId)).toEqual([waiting]);
    expect(await store.cancel(agent.companyId, waiting)).toMatchObject({ kind: "requested" });

    await valkey.command("CONFIG", "SET", "maxmemory", "0");
    expect(await store.enqueue(newCommand())).toMatchObject({ kind: "queued" });
  });
});

describe("a Valkey that was killed", () => {
  it("comes back with what it had confirmed, and the store with it", async () => {
    const valkey = await valkeyOf();
    const { store } = await open({ url: valkey.url });
    const agent = await enrolAgent(store);
    const load = steadily(store, agent.agentId, agent.companyId);
    for (let kill = 0; kill < 3; kill += 1) {
      const before = load.confirmed.length;
      await eventually(() => load.confirmed.length > before + 200, { deadlineMs: 20_000, what: "confirmed commands" });
      await valkey.kill9();
      await valkey.start();
    }
    const before = load.confirmed.length;
    await eventually(() => load.confirmed.length > before + 50, {
      deadlineMs: 20_000,
      what: "commands after the last kill",
    });
    await load.stop();
    // Killed is not the machine's crash: what was written before the answer is in the file.
    const kept = await found(store, agent.companyId, load.confirmed);
    expect(load.confirmed.filter((id) => !kept.has(id))).toEqual([]);
    expect((await agent.connect({ seenEpoch: 7 })).epoch).toBe(8);
  });

  it("isn't waited for behind a connection that is half open", async () => {
    const valkey = await valkeyOf();
    const proxy = await startFaultProxy({ target: valkey });
    cleanUps.push(() => proxy.close());
    const { store } = await open({ host: proxy.host, port: proxy.port });
    await store.ping();
    proxy.halfOpen();
    const began = performance.now();
    await expect(store.enqueue(newCommand())).rejects.toMatchObject({ code: "store_unavailable" });
    expect(performance.now() - began).toBeLessThan(15_000);
    await proxy.heal();
    await eventually(() => store.enqueue(newCommand()).then(() => true), { deadlineMs: 15_000 });
  });
});

describe("a connection to Valkey", () => {
  it("comes back also where the client has given it up for good", async () => {
    const valkey = await valkeyOf();
    const connection = await connectValkey({ url: valkey.url }, { name: "given-up", log });
    cleanUps.push(() => Promise.resolve(connection.close()));
    const ended = once(connection.redis, "end");
    connection.redis.disconnect();
    await ended;
    await eventually(() => connection.redis.status === "ready", { deadlineMs: 5_000, what: "another connection" });
    expect(await connection.redis.ping()).toBe("PONG");
  });

  it("that comes back to fewer changes than were confirmed says so, once, and has sessions settled anew", async () => {
    const valkey = await valkeyOf();
    const { store, metrics } = await open({ url: valkey.url });
    const [kept, lost] = [newCommand(), newCommand()];
    for (const command of [kept, lost]) await store.enqueue(command);
    let settled = 0;
    store.onSignal({ wake() {}, cancel() {}, stop() {}, drop() {}, settleAll: () => void (settled += 1) });
    const reconnected = async (): Promise<void> => {
      const before = await reconnections(metrics);
      await valkey.command("CLIENT", "KILL", "TYPE", "normal", "SKIPME", "yes");
      await eventually(async () => (await reconnections(metrics)) > before, { deadlineMs: 5_000 });
    };
    await reconnected();
    await store.ping();
    expect([await lostSoFar(metrics), settled]).toEqual([0, 0]);
    await store.enqueue(kept);
    await store.cancel(lost.companyId, lost.commandId);
    await valkey.command("DEL", `command:status:${lost.commandId}`);
    await reconnected();
    await eventually(() => settled > 0, { deadlineMs: 5_000, what: "the loss to be noticed" });
    expect([await lostSoFar(metrics), settled]).toEqual([1, 1]);
  });
});

describe("a failover", () => {
  it("from a primary that became a replica and kept its socket open is followed", async () => {
    const [one, two] = [await valkeyOf(), await valkeyOf()];
    const proxy = await startFaultProxy({ target: one });
    cleanUps.push(() => proxy.close());
    const { store } = await open({ host: proxy.host, port: proxy.port });
    await store.enqueue(newCommand());
    await one.command("REPLICAOF", two.host, two.port);
    await expect(store.enqueue(newCommand())).rejects.toMatchObject({ code: "store_unavailable" });
    await one.command("REPLICAOF", "NO", "ONE");
    const taken = eventually(() => store.enqueue(newCommand()).then(() => true), { deadlineMs: 10_000 });
    await expect(taken).resolves.toBe(true);
  });

  it("under load loses nothing that its new primary had, and the store follows by itself", async () => {
    const set = await startSentinel();
    cleanUps.push(() => set.close());
    const { store } = await open({ sentinels: set.sentinels, primaryName: set.name });
    const agent = await enrolAgent(store);
    await agent.connect();
    const load = steadily(store, agent.agentId, agent.companyId);
    await eventually(() => load.confirmed.length > 200, { deadlineMs: 20_000, what: "confirmed commands" });
    const old = await set.primary();
    const before = load.confirmed.length;
    await old.kill9();
    await eventually(() => load.confirmed.length > before + 100, {
      deadlineMs: 30_000,
      what: "commands after the failover",
    });
    await load.stop();
    expect((await set.primary()).port).not.toBe(old.port);
    const kept = await found(store, agent.companyId, load.confirmed);
    const lost = load.confirmed.filter((id) => !kept.has(id));
    // Replication is asynchronous: what was confirmed in the last moment may be gone. No more than that, and in one piece.
    expect(lost.length).toBeLessThanOrEqual(50);
    expect(lost).toEqual(load.confirmed.slice(before - lost.length, before).filter((id) => lost.includes(id)));
    expect(await agent.connect({ seenEpoch: agent.epoch })).toMatchObject({ kind: "opened" });
  });

  it("to a replica that had fallen behind is noticed, counted, and takes no epoch and no number back", async () => {
    const set = await startSentinel();
    cleanUps.push(() => set.close());
    const { store, metrics } = await open({ sentinels: set.sentinels, primaryName: set.name });
    const agent = await enrolAgent(store);
    await agent.connect();
    const old = await set.primary();
    const replicas = set.nodes.filter((node) => node.port !== old.port);
    await old.command("WAIT", 2, 5_000);
    // From here on only the primary knows: stopped replicas would still read what their sockets hold.
    await Promise.all(replicas.map((replica) => replica.pause()));
    await old.command("CLIENT", "KILL", "TYPE", "replica");
    await agent.connect({ seenEpoch: agent.epoch });
    const key = await agent.start();
    const more = await Promise.all(Array.from({ length: 20 }, () => agent.queue()));
    await store.sweep(1);
    const { epoch } = agent;
    await old.kill9();
    await Promise.all(replicas.map((replica) => replica.resume()));

    // More than was lost is written before anybody looks.
    await eventually(() => store.enqueue(newCommand()).then(() => true), { deadlineMs: 30_000, what: "a new primary" });
    for (let n = 0; n < 60; n += 1) await store.enqueue(newCommand());
    await store.sweep(1);
    const stale = await eventually(
      () => store.heartbeat([{ agentId: agent.agentId, epoch, running: 1, load1: 0, freeMemoryBytes: 0 }]),
      { deadlineMs: 5_000 },
    );
    // Forgotten, not replaced: the agent has to connect again.
    expect(stale).toEqual([{ agentId: agent.agentId, why: "session_lost" }]);
    expect(await lostSoFar(metrics)).toBeGreaterThanOrEqual(20);
    expect((await found(store, agent.companyId, more)).size).toBe(0);

    const opened = await agent.connect({
      seenEpoch: epoch,
      highest: key.assignNo,
      held: [{ ...key, state: "running" }],
    });
    expect(opened.epoch).toBe(epoch + 1);
    expect(opened.stop.map(({ commandId }) => commandId)).toEqual([key.commandId]);
    await agent.queue();
    expect((await agent.assign())[0]?.assignNo).toBeGreaterThan(key.assignNo);
  });
});
