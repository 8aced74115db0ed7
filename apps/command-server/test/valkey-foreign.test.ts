import { randomUUID } from "node:crypto";
import { afterAll, afterEach, beforeAll, describe, expect, it } from "vitest";
import { createLogger, createMetrics, systemClock } from "@fleetwire/service";
import { eventually, startValkey, type TestValkey } from "@fleetwire/testbed";
import type { Registry } from "prom-client";
import type { CommandStore } from "../src/store/command-store.ts";
import { createValkeyStore } from "../src/store/valkey-store.ts";
import { enrolAgent, exited, fresh, keyOf, newCommand } from "./command-store/fixture.ts";
import { newRollout } from "./command-store/rollout-fixture.ts";

const log = createLogger({ service: "valkey-foreign-test", level: "silent" });
const soon = { deadlineMs: 10_000 };
let valkey: TestValkey;
const open: CommandStore[] = [];

beforeAll(async () => {
  valkey = await startValkey();
});
afterEach(async () => {
  for (const store of open.splice(0)) await store.close();
});
afterAll(() => valkey.close());

interface Opened {
  store: CommandStore;
  prefix: string;
  metrics: Registry;
  /** Writes as another program does. */
  write: (key: string, value: unknown) => Promise<unknown>;
  read: (key: string) => Promise<Record<string, unknown> | null>;
  counted: (outcome: string) => Promise<number>;
}

async function serve(o: { prefix?: string; companyId?: string; pollingIntervalMs?: number } = {}): Promise<Opened> {
  const { prefix = `${fresh("test")}:`, companyId = "default", pollingIntervalMs = 20 } = o;
  const metrics = createMetrics({ service: "command-server" });
  const store = await createValkeyStore({
    target: { url: valkey.url },
    prefix,
    serverId: randomUUID(),
    log,
    metrics,
    clock: systemClock,
    foreign: { companyId, defaultTimeoutMs: 300_000, pollingIntervalMs },
  });
  open.push(store);
  return {
    store,
    prefix,
    metrics,
    write: (key, value) =>
      valkey.command("SET", `${prefix}${key}`, typeof value === "string" ? value : JSON.stringify(value)),
    read: async (key) => {
      const text = await valkey.command("GET", `${prefix}${key}`);
      return typeof text === "string" ? (JSON.parse(text) as Record<string, unknown>) : null;
    },
    counted: async (outcome) => {
      const metric = await metrics.getSingleMetric("foreign_commands_total")?.get();
      return metric?.values.find(({ labels }) => labels["outcome"] === outcome)?.value ?? 0;
    },
  };
}

const documented = (over: Record<string, unknown> = {}) => ({
  command_id: "7f3",
  agent_id: "a1",
  command_type: "SHELL",
  command: "uptime",
  parameters: {},
  timeout: 300,
  priority: 6,
  status: "queued",
  queued_at: "2026-11-22T10:00:00.000Z",
  ...over,
});

async function queued(store: CommandStore, commandId: string, companyId = "default") {
  return eventually(() => store.get(companyId, commandId), { ...soon, what: `${commandId} to be taken` });
}

/** Written at once by another program: the whole number in `npm run test:long`. */
const bulk = process.env["FLEETWIRE_TEST_LONG"] === "1" ? 100_000 : 5_000;

describe("a command that another program writes", () => {
  it("is taken as documented, dispatched, and its result stands under the documented key", async () => {
    const { store, write, read, counted } = await serve();
    const agent = await enrolAgent(store, { agentId: "a1", companyId: "default" });
    await agent.connect();
    const woken: string[] = [];
    store.onSignal({ wake: (ids) => void woken.push(...ids), cancel: () => {}, stop: () => {}, drop: () => {} });
    await write("command:queue:7f3", documented());
    expect(await queued(store, "7f3")).toMatchObject({
      agentId: "a1",
      type: "SHELL",
      command: "uptime",
      timeoutMs: 300_000,
      priority: 6,
      status: "queued",
    });
    await eventually(() => woken.includes("a1"), soon);
    const [assignment] = await agent.assign();
    if (assignment === undefined) throw new Error("nothing was assigned");
    expect(assignment).toMatchObject({ commandId: "7f3", command: "uptime" });
    const tail = [{ offset: 0, stream: "stdout" as const, data: Buffer.from("up \xe9", "latin1") }];
    await store.result(exited(keyOf(agent, assignment), { exitCode: 3, tail, outputBytes: 4 }));
    expect(await read("cmd:result:7f3")).toMatchObject({
      command_id: "7f3",
      agent_id: "a1",
      status: "failed",
      exit_code: 3,
      output: "up \ufffd",
      truncated: false,
      error: null,
    });
    expect(await read("command:status:7f3")).toMatchObject({
      command_id: "7f3",
      agent_id: "a1",
      status: "failed",
      attempt: 1,
    });
    expect(await counted("taken")).toBe(1);
  });

  it("needs no more than its agent and its line; the rest is as with any command", async () => {
    const { store, write } = await serve();
    await write("command:queue:x.1", { agent_id: "anyone", command: "true", whatever: [1] });
    const command = await queued(store, "x.1");
    expect(command).toMatchObject({ type: "SHELL", timeoutMs: 300_000, priority: 6, retry: null, idempotent: false });
    expect(command.expiresAt.getTime() - command.queuedAt.getTime()).toBe(24 * 3600 * 1000);
  });

  it.each([
    ["a bare word", "queued"],
    ["JSON", { command_id: "s", status: "queued" }],
    ["a JSON string", '"queued"'],
  ])("may bring a status of its own, as %s, in any order", async (_, status) => {
    const { store, write } = await serve();
    await write("command:status:s", status);
    await write("command:queue:s", documented({ command_id: "s" }));
    expect(await queued(store, "s")).toMatchObject({ status: "queued", revision: 1 });
  });

  it("isn't taken while its own status says something else", async () => {
    const { store, write } = await serve();
    await write("command:status:ended", "completed");
    await write("command:queue:ended", documented({ command_id: "ended" }));
    await write("command:queue:fresh", documented({ command_id: "fresh" }));
    await queued(store, "fresh");
    expect(await store.get("default", "ended")).toBeNull();
  });

  it("belongs to the company that the settings name, and reaches none of another one's agents", async () => {
    const { store, write, counted } = await serve({ companyId: "acme" });
    const foreign = await enrolAgent(store, { agentId: "theirs", companyId: "other" });
    await write("command:queue:1", documented({ command_id: "1", agent_id: foreign.agentId }));
    await write("command:queue:2", documented({ command_id: "2", agent_id: "nobody-yet" }));
    await queued(store, "2", "acme");
    await eventually(async () => (await counted("agent_unknown")) === 1, soon);
    expect(await store.get("acme", "1")).toBeNull();
    expect(await store.get("other", "1")).toBeNull();
  });

  it.each([
    ["broken JSON", "{"],
    ["no object", "[1]"],
    ["no agent", { command: "true" }],
    ["another id than its key's", documented({ command_id: "other" })],
    ["an agent's id that can't be one", documented({ command_id: undefined, agent_id: "../x" })],
    ["a priority out of range", documented({ command_id: undefined, priority: 11 })],
    ["a timeout that isn't a number", documented({ command_id: undefined, timeout: "soon" })],
    ["a type that can't be one", documented({ command_id: undefined, command_type: "shell; rm" })],
    ["no line for the shell", documented({ command_id: undefined, command: undefined })],
    ["parameters that aren't an object", documented({ command_id: undefined, parameters: [1] })],
    ["a NUL", documented({ command_id: undefined, command: "a\0b" })],
    ["an end that has passed", documented({ command_id: undefined, expires_at: "2020-01-01T00:00:00Z" })],
    ["a status that isn't queued", documented({ command_id: undefined, status: "running" })],
  ])("is skipped and told once where it has %s, and taken once it is mended", async (_, value) => {
    const { store, write, counted } = await serve();
    await write("command:queue:bad", value);
    await eventually(async () => (await counted("unreadable")) === 1, soon);
    for (let n = 0; n < 3; n++) {
      await write(`command:queue:good-${n}`, documented({ command_id: `good-${n}` }));
      await queued(store, `good-${n}`);
    }
    expect(await counted("unreadable")).toBe(1);
    expect(await store.get("default", "bad")).toBeNull();
    await write("command:queue:bad", documented({ command_id: "bad" }));
    await queued(store, "bad");
  });

  it("is skipped where it has no id, or its key holds another type", async () => {
    const { store, prefix, write, counted } = await serve();
    await write("command:queue:", documented({ command_id: undefined }));
    await write("command:queue:a b", documented({ command_id: undefined }));
    await valkey.command("HSET", `${prefix}command:queue:hash`, "agent_id", "a1");
    await valkey.command("SADD", `${prefix}command:status:typed`, "queued");
    await write("command:queue:typed", documented({ command_id: "typed" }));
    await eventually(async () => (await counted("unreadable")) === 4, soon);
    expect(await store.get("default", "typed")).toBeNull();
  });

  it("is skipped where it is larger than a command can be, without being read", async () => {
    const { store, write, counted } = await serve();
    await write("command:queue:huge", documented({ command_id: "huge", padding: "x".repeat(2 * 1024 * 1024) }));
    await eventually(async () => (await counted("unreadable")) === 1, soon);
    expect(await store.get("default", "huge")).toBeNull();
  });
});

describe("what another program writes over", () => {
  it("a command that has ended is never run again, and goes with its record", async () => {
    const { store, prefix, write } = await serve();
    const agent = await enrolAgent(store, { companyId: "default" });
    await agent.connect();
    await write("command:queue:once", documented({ command_id: "once", agent_id: agent.agentId }));
    await queued(store, "once");
    const [assignment] = await agent.assign();
    if (assignment === undefined) throw new Error("nothing was assigned");
    await store.result(exited(keyOf(agent, assignment)));
    await write("command:queue:once", documented({ command_id: "once", agent_id: agent.agentId }));
    await write("command:queue:next", documented({ command_id: "next", agent_id: agent.agentId }));
    await queued(store, "next");
    const left = async () => Number(await valkey.command("PTTL", `${prefix}command:queue:once`));
    await eventually(async () => (await left()) > 0, { ...soon, what: "the record's time to live" });
    expect((await agent.assign({ work: 5 })).map(({ commandId }) => commandId)).toEqual(["next"]);
    // Also with its status written over.
    await write("command:status:once", "queued");
    await write("command:queue:last", documented({ command_id: "last", agent_id: agent.agentId }));
    await queued(store, "last");
    expect((await agent.assign({ work: 5 })).map(({ commandId }) => commandId)).toEqual(["last"]);
  });

  it("a queued command's record is not what runs: the command fails and says so", async () => {
    const { store, write } = await serve();
    const agent = await enrolAgent(store, { companyId: "default" });
    await agent.connect();
    const commandId = await agent.queue();
    await write(`command:queue:${commandId}`, documented({ command_id: commandId, command: "rm -rf /" }));
    const good = await agent.queue();
    expect((await agent.assign({ work: 5 })).map((assignment) => assignment.commandId)).toEqual([good]);
    expect(await store.get("default", commandId)).toMatchObject({
      status: "failed",
      result: { error: "record_changed" },
    });
  });

  it("a queued command's status doesn't stop the others: it fails, or goes where its record is gone too", async () => {
    const { store, prefix, write } = await serve();
    const agent = await enrolAgent(store, { companyId: "default" });
    await agent.connect();
    const spoiled = [await agent.queue(), await agent.queue({ expiresAt: new Date(Date.now() + 50) })];
    for (const id of spoiled) await write(`command:status:${id}`, "broken {");
    await valkey.command("DEL", `${prefix}command:queue:${spoiled[1] ?? ""}`);
    const good = await agent.queue();
    expect((await agent.assign({ work: 5 })).map((assignment) => assignment.commandId)).toEqual([good]);
    expect(await store.get("default", spoiled[0] ?? "")).toMatchObject({
      status: "failed",
      result: { error: "state_lost" },
    });
    await eventually(
      async () => {
        await store.sweep(100);
        return (await store.depth()).queued === 0;
      },
      { ...soon, what: "the index to forget them" },
    );
    expect((await store.list({ companyId: "default", limit: 10, cursor: null })).items).toHaveLength(2);
  });

  it("an assigned command's status doesn't keep its agent out: the command fails when the agent comes back", async () => {
    const { store, prefix, write } = await serve();
    const agent = await enrolAgent(store, { companyId: "default" });
    await agent.connect();
    const [removed, word, unreadable, good] = [
      await agent.run(),
      await agent.run(),
      await agent.run(),
      await agent.run(),
    ].map(({ commandId }) => commandId);
    await valkey.command("DEL", `${prefix}command:status:${removed}`);
    await write(`command:status:${word}`, "queued");
    await write(`command:status:${unreadable}`, "broken {");
    await valkey.command("SET", `${prefix}command:queue:${unreadable}`, "broken {");
    const opened = await agent.connect();
    expect(opened.requeued).toEqual([good]);
    for (const id of [removed, word]) {
      expect(await store.get("default", id ?? "")).toMatchObject({
        status: "failed",
        result: { error: "state_lost" },
      });
      expect(Number(await valkey.command("PTTL", `${prefix}command:queue:${id}`))).toBeGreaterThan(0);
    }
    expect(await store.get("default", unreadable ?? "")).toBeNull();
    expect(await agent.assign({ work: 5 })).toMatchObject([{ commandId: good }]);
    expect((await store.depth()).assigned).toBe(1);
  });

  it("a rollout's commands end with it all the same", async () => {
    const { store, prefix } = await serve();
    const agents = await Promise.all([1, 2, 3].map(() => enrolAgent(store, { companyId: "default" })));
    for (const agent of agents) await agent.connect();
    const rollout = newRollout(
      "default",
      agents.map(({ agentId }) => agentId),
    );
    await store.createRollout(rollout);
    await store.advanceRollout(rollout.rolloutId, 10);
    const [queued, assigned, well] = rollout.targets;
    await agents[1]?.assign();
    for (const target of [queued, assigned])
      await valkey.command("DEL", `${prefix}command:status:${target?.commandId}`);
    // What leads to them: the queue of the one, the next session of the other.
    expect(await agents[0]?.assign()).toEqual([]);
    await agents[1]?.connect();
    const [run] = (await agents[2]?.assign()) ?? [];
    if (run === undefined || agents[2] === undefined) throw new Error("nothing was assigned");
    await store.result(exited(keyOf(agents[2], run)));
    expect(run.commandId).toBe(well?.commandId);
    expect(await store.advanceRollout(rollout.rolloutId, 10)).toMatchObject({ status: "completed" });
    expect((await store.getRollout("default", rollout.rolloutId))?.counts).toMatchObject({ completed: 1, failed: 2 });
  });
});

describe("many servers, many keys", () => {
  it("takes each command once, whoever leads; another server goes on when the leader has gone", async () => {
    const first = await serve();
    const second = await serve({ prefix: first.prefix });
    for (let n = 0; n < 50; n++) await first.write(`command:queue:m${n}`, documented({ command_id: `m${n}` }));
    await queued(second.store, "m49");
    const taken = async () => (await first.counted("taken")) + (await second.counted("taken"));
    await eventually(async () => (await taken()) === 50, soon);
    await first.store.close();
    await first.write("command:queue:after", documented({ command_id: "after" }));
    await queued(second.store, "after");
    expect(await taken()).toBe(51);
  });

  it("takes thousands that are written at once, and serves others meanwhile", async () => {
    const { store, prefix, counted } = await serve();
    const agent = await enrolAgent(store, { companyId: "default" });
    await agent.connect();
    const text = JSON.stringify(documented({ command_id: undefined, agent_id: agent.agentId }));
    const write = `for n = 1, ${bulk} do redis.call('SET', KEYS[1] .. 'command:queue:bulk-' .. n, ARGV[1]) end`;
    await valkey.command("EVAL", write, 1, prefix, text);
    while ((await counted("taken")) < bulk) {
      const key = await agent.run({ priority: 10 });
      expect(await store.result(exited(key))).toMatchObject({ kind: "applied" });
    }
    expect((await store.depth()).queued).toBe(bulk);
  });

  it("follows keyspace events where the server has them on", async () => {
    await valkey.command("CONFIG", "SET", "notify-keyspace-events", "K$");
    // By walking alone it would take an hour.
    const { store, write } = await serve({ pollingIntervalMs: 3_600_000 });
    await write("command:queue:first", documented({ command_id: "first" }));
    await queued(store, "first");
    await store.enqueue(newCommand());
    await write("command:queue:second", documented({ command_id: "second" }));
    expect(await queued(store, "second")).toMatchObject({ status: "queued" });
    await valkey.command("CONFIG", "SET", "notify-keyspace-events", "");
  });
});
