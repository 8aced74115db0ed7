import { randomBytes } from "node:crypto";
import { setFlagsFromString } from "node:v8";
import { runInNewContext } from "node:vm";
import { eventually } from "@fleetwire/testbed";
import { afterAll, beforeAll, describe, expect, test } from "vitest";
import type { Assignment } from "../src/store/command-store.ts";
import { startApiServer, type ApiServer } from "./api-server.ts";
import { driveAgent, type DrivenAgent } from "./driven-agent.ts";
import { EventReader, bytesOf } from "./event-reader.ts";

let api: ApiServer;

beforeAll(async () => {
  api = await startApiServer({
    COMMAND_OUTPUT_HEAD_BYTES: "65536",
    COMMAND_OUTPUT_TAIL_BYTES: "65536",
    COMMAND_SERVER_STREAM_HEARTBEAT: "50ms",
    COMMAND_SERVER_MAX_STREAMS: "8",
  });
});
afterAll(() => api.close());

/** A command that its agent has started. */
async function running(): Promise<{ agent: DrivenAgent; run: Assignment; path: string }> {
  const agent = await driveAgent(api.running.store, "acme");
  await api.call("POST", "/commands", { body: { agentId: agent.agentId, command: "work" } });
  const run = await agent.take();
  await agent.start(run);
  return { agent, run, path: `/commands/${run.commandId}/output` };
}

/** Memory of this process, and so of the server in it, that isn't garbage. */
function heldBytes(): number {
  setFlagsFromString("--expose-gc");
  (runInNewContext("gc") as () => void)();
  const { heapUsed, external } = process.memoryUsage();
  return heapUsed + external;
}

async function openStreams(): Promise<number> {
  const { text } = await api.call("GET", "/metrics");
  return Number(/^command_followers\{.*\} (\d+)$/m.exec(text)?.[1]);
}

describe("GET /commands/:id/output", () => {
  test("gives the bytes as they were, of one stream or both, from any byte on", async () => {
    const { agent, run, path } = await running();
    const bytes = randomBytes(1000);
    await agent.print(run, 0, bytes);
    await agent.print(run, 1000, "oops\n", "stderr");
    const whole = await api.open(path);
    expect(Buffer.from(await whole.arrayBuffer())).toEqual(Buffer.concat([bytes, Buffer.from("oops\n")]));
    expect(whole.headers.get("content-type")).toContain("text/plain");
    expect(whole.headers.get("x-output-length")).toBe("1005");
    expect(whole.headers.get("x-output-truncated")).toBe("false");
    expect((await api.call("GET", `${path}?stream=stderr`)).text).toBe("oops\n");
    expect((await api.call("GET", `${path}?from=1002`)).text).toBe("ps\n");
    expect((await api.call("GET", `${path}?from=999999`)).text).toBe("");
  });

  test("says that the middle is missing where it wasn't kept", async () => {
    const { agent, run, path } = await running();
    for (let offset = 0; offset < 320 * 1024; offset += 32 * 1024)
      await agent.print(run, offset, Buffer.alloc(32 * 1024, "x"));
    const answer = await api.open(path);
    expect(answer.headers.get("x-output-truncated")).toBe("true");
    expect(answer.headers.get("x-output-length")).toBe(String(320 * 1024));
    expect((await answer.arrayBuffer()).byteLength).toBeLessThanOrEqual(3 * 65536);
  });

  test.each(["from=-1", "from=1e400", "stream=stdin", "follow=maybe", "x=1"])("refuses ?%s", async (query) => {
    const { path } = await running();
    expect((await api.call("GET", `${path}?${query}`)).status).toBe(400);
  });
});

describe("following over HTTP", () => {
  test("tells the state, each change, the output as it comes, and the end", async () => {
    const { agent, run, path } = await running();
    const events = new EventReader(await api.open(`${path}?follow=true`));
    expect(await events.next()).toMatchObject({
      event: "state",
      data: { status: "assigned", commandId: run.commandId },
    });
    await agent.print(run, 0, "one\n");
    const one = await events.next();
    expect(one).toMatchObject({
      event: "output",
      data: { offset: 0, bytes: 4, stream: "stdout", encoding: "utf8", data: "one\n" },
    });
    await agent.print(run, 4, Buffer.from([0xff]), "stderr");
    const two = await events.next();
    expect(two).toMatchObject({
      event: "output",
      data: { offset: 4, bytes: 1, stream: "stderr", encoding: "base64", data: "/w==" },
    });
    await agent.finish(run, { exitCode: 2, outputBytes: 5 });
    const rest = await events.until("end");
    expect(rest.at(-1)?.data).toMatchObject({ status: "failed", result: { exitCode: 2 } });
    expect(await events.next()).toBeNull();
  });

  test("goes on after the last event that the reader had", async () => {
    const { agent, run, path } = await running();
    await agent.print(run, 0, "first");
    const before = new EventReader(await api.open(`${path}?follow=true`));
    const [, seen] = await before.until("output");
    await before.cancel();
    await agent.print(run, 5, "second");
    await agent.finish(run, { outputBytes: 11 });
    const headers = { "last-event-id": String(seen?.id) };
    const after = await new EventReader(await api.open(`${path}?follow=true`, { headers })).until("end");
    const outputs = after.filter(({ event }) => event === "output");
    expect(outputs.map((event) => bytesOf(event).toString())).toEqual(["second"]);
  });

  test("of another run begins with its first byte, also for a reader who was further in the run before", async () => {
    const agent = await driveAgent(api.running.store, "acme");
    const retry = { maxAttempts: 2, on: ["exit_code"] };
    await api.call("POST", "/commands", { body: { agentId: agent.agentId, command: "flaky", retry } });
    const first = await agent.take();
    await agent.start(first);
    await agent.print(first, 0, "a long first run");
    const path = `/commands/${first.commandId}/output`;
    const events = new EventReader(await api.open(`${path}?follow=true`));
    const seen = (await events.until("output")).at(-1);
    await agent.finish(first, { exitCode: 1, outputBytes: 16 });
    const second = await agent.take();
    await agent.start(second);
    await agent.print(second, 0, "second");
    await agent.finish(second, { outputBytes: 6 });
    const live = await events.until("end");
    const resumed = new EventReader(
      await api.open(`${path}?follow=true`, { headers: { "last-event-id": String(seen?.id) } }),
    );
    for (const told of [live, await resumed.until("end")]) {
      const outputs = told.filter(({ event }) => event === "output");
      expect(outputs.map((event) => [event.data["offset"], bytesOf(event).toString()])).toEqual([[0, "second"]]);
      expect(told.at(-1)?.data).toMatchObject({ status: "completed", attempt: 2 });
    }
  });

  test("of a command that has ended tells everything that is kept, with the gap", async () => {
    const { agent, run, path } = await running();
    const size = 320 * 1024;
    for (let offset = 0; offset < size; offset += 32 * 1024)
      await agent.print(run, offset, Buffer.alloc(32 * 1024, "y"));
    await agent.finish(run, { outputBytes: size });
    const events = await new EventReader(await api.open(`${path}?follow=true`)).until("end");
    const outputs = events.filter(({ event }) => event === "output");
    const gaps = events.filter(({ event }) => event === "gap");
    const shown = outputs.reduce((sum, event) => sum + bytesOf(event).length, 0);
    const missing = gaps.reduce((sum, { data }) => sum + Number(data["bytes"]), 0);
    expect(gaps).toHaveLength(1);
    expect(shown + missing).toBe(size);
  });

  test("says that it lives while nothing happens", async () => {
    const { agent, run, path } = await running();
    const events = new EventReader(await api.open(`${path}?follow=true`));
    await events.next();
    const end = events.until("end");
    // Reads comments while it waits for the end.
    await eventually(() => events.comments >= 2, { deadlineMs: 5_000, what: "two heartbeats" });
    await agent.finish(run);
    expect((await end).map(({ event }) => event)).toContain("end");
  });

  test("a reader who is slow costs no memory, misses the middle, and gets the end", async () => {
    const { agent, run, path } = await running();
    const events = new EventReader(await api.open(`${path}?follow=true`));
    expect((await events.next())?.event).toBe("state");
    const chunk = Buffer.alloc(64 * 1024, "z");
    const before = heldBytes();
    let offset = 0;
    // Far more than all socket buffers between server and reader hold.
    for (let count = 0; count < 800; count += 1) offset = (await agent.print(run, offset, chunk)) ?? offset;
    await agent.finish(run, { outputBytes: offset });
    expect(heldBytes() - before).toBeLessThan(offset / 4);
    let shown = 0;
    let missing = 0;
    for (const event of await events.until("end")) {
      if (event.event === "output") shown += bytesOf(event).length;
      if (event.event === "gap") missing += Number(event.data["bytes"]);
    }
    expect(missing).toBeGreaterThan(0);
    expect(shown + missing).toBe(offset);
  });

  test("ends on the server when the reader goes away", async () => {
    const { path } = await running();
    const gone = new AbortController();
    const before = await openStreams();
    await new EventReader(await api.open(`${path}?follow=true`, { signal: gone.signal })).next();
    expect(await openStreams()).toBe(before + 1);
    gone.abort();
    await eventually(async () => (await openStreams()) === before, { deadlineMs: 5_000, what: "the stream's end" });
  });

  test("is refused with 429 when there are too many", async () => {
    const { path } = await running();
    const readers: EventReader[] = [];
    for (let count = await openStreams(); count < 8; count += 1) {
      const reader = new EventReader(await api.open(`${path}?follow=true`));
      await reader.next();
      readers.push(reader);
    }
    const refused = await api.call("GET", `${path}?follow=true`);
    expect([refused.status, refused.json["code"]]).toEqual([429, "too_many_streams"]);
    expect(refused.headers.get("retry-after")).toBe("5");
    await Promise.all(readers.map((reader) => reader.cancel()));
    await eventually(async () => (await openStreams()) === 0, { deadlineMs: 5_000, what: "all streams' ends" });
  });
});
