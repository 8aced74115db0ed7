import { startFaultProxy } from "@fleetwire/testbed";
import { afterAll, afterEach, beforeAll, describe, expect, it } from "vitest";
import type { SessionSettings } from "../src/agents/session-settings.ts";
import { companyId, startSessionServer, type SessionServer } from "./session-server.ts";
import { startStoreBed, type StoreBed } from "./session-store.ts";
import { reply, wireProfile, WireStream } from "./wire-agent.ts";

describe("how sessions end", () => {
  let bed: StoreBed;
  const servers: SessionServer[] = [];

  beforeAll(async () => {
    bed = await startStoreBed();
  });
  afterEach(async () => {
    for (const server of servers.splice(0)) await server.close();
  });
  afterAll(() => bed.close());

  async function serve(settings: Partial<SessionSettings> = {}): Promise<SessionServer> {
    const server = await startSessionServer({ ...(await bed.open()), settings });
    servers.push(server);
    return server;
  }

  it("closes the stream of an agent that doesn't answer an assignment; its next hello settles it", async () => {
    const server = await serve({ answerTimeoutMs: 200 });
    const agent = await server.agent("mute-1");
    const { stream, welcome } = await server.connect(agent);
    const commandId = await server.queue("mute-1");
    await stream.next("assign");
    expect(await stream.ended()).toMatchObject({ status: "UNAVAILABLE", code: "answer_timeout" });
    expect(await recorded(server, "mute-1")).toEqual({
      reason: "answer_timeout",
      detail: `command ${commandId} wasn't answered`,
    });
    const again = await server.connect(agent, { seenEpoch: welcome.epoch });
    expect(await again.stream.next("assign")).toMatchObject({ commandId, assignNo: 2 });
  });

  it("leaves an agent alone that has answered, however long the command runs", async () => {
    const server = await serve({ answerTimeoutMs: 1_000 });
    const { stream } = await server.connect(await server.agent("slow-1"));
    await server.queue("slow-1");
    await server.queue("slow-1");
    const [answered, unanswered] = [await stream.next("assign"), await stream.next("assign")];
    stream.send(reply.started(answered));
    expect((await stream.ended()).code).toBe("answer_timeout");
    expect(await recorded(server, "slow-1")).toMatchObject({
      detail: `command ${unanswered.commandId} wasn't answered`,
    });
  });

  it("finds an agent that has gone silent, and not one that still sends heartbeats", async () => {
    const server = await serve({ heartbeatTimeoutMs: 1_500 });
    const { stream: silent } = await server.connect(await server.agent("silent-1"));
    const { stream: alive } = await server.connect(await server.agent("alive-1"));
    let sequence = 0;
    const beats = setInterval(() => alive.send({ heartbeat: { sequence: (sequence += 1) } }), 50);
    expect(await silent.ended()).toMatchObject({ status: "UNAVAILABLE", code: "heartbeat_timeout" });
    clearInterval(beats);
    expect(await recorded(server, "silent-1")).toMatchObject({ reason: "heartbeat_timeout" });
    expect(await server.store.getAgent(companyId, "alive-1")).toMatchObject({ status: "online" });
  });

  it("finds an agent whose connection is half open, and doesn't wait for it to let go", async () => {
    const server = await serve({ heartbeatTimeoutMs: 1_000 });
    const [host, port] = server.address.split(":");
    const proxy = await startFaultProxy({ target: { host: host ?? "", port: Number(port) } });
    const agent = await server.agent("half-1");
    const stream = new WireStream(`${proxy.host}:${proxy.port}`);
    await stream.hello(agent, { profile: { ...wireProfile, concurrency: 200 } });
    await stream.next("welcome");
    proxy.halfOpen();
    // More than sockets buffer: the connection takes nothing any more, not even a reset.
    for (let index = 0; index < 100; index += 1) await server.queue("half-1", { command: "x".repeat(100_000) });
    expect(await recorded(server, "half-1")).toMatchObject({ reason: "heartbeat_timeout" });
    const began = performance.now();
    await server.host.close();
    expect(performance.now() - began).toBeLessThan(3_000);
    stream.close();
    await proxy.close();
  });

  it("records heartbeats' load", async () => {
    const server = await serve({ heartbeatFlushMs: 20 });
    const { stream } = await server.connect(await server.agent("load-1"));
    stream.send({ heartbeat: { sequence: 1, running: 3, load1: 1.5, freeMemoryBytes: 1_000_000 } });
    await expect
      .poll(() => server.store.getAgent(companyId, "load-1"))
      .toMatchObject({ load: { running: 3, load1: 1.5, freeMemoryBytes: 1_000_000 } });
  });

  it("closes the stream of an agent that doesn't read, instead of buffering for it", async () => {
    const server = await serve({ sendQueueLimit: 4, sendQueueBytes: 256 * 1024 });
    const agent = await server.agent("deaf-1");
    for (let index = 0; index < 60; index += 1) await server.queue("deaf-1", { command: "x".repeat(64 * 1024) });
    const { stream } = await server.connect(agent, { profile: { ...wireProfile, concurrency: 60 } });
    stream.stopReading();
    expect(await recorded(server, "deaf-1")).toMatchObject({ reason: "send_queue_full" });
    expect(server.host.count()).toBe(0);
  });

  it("drops the live stream of a revoked agent, for good", async () => {
    const server = await serve();
    const { stream } = await server.connect(await server.agent("revoke-2"));
    await server.store.revokeAgent(companyId, "revoke-2");
    expect(await stream.next("goAway")).toMatchObject({ reason: "GO_AWAY_REASON_REVOKED", reconnect: false });
    expect(await stream.ended()).toMatchObject({ status: "UNAUTHENTICATED", code: "agent_revoked" });
  });

  it("ends a session that another server took over", async () => {
    const [one, two] = [await serve(), await serve()];
    const agent = await one.agent("move-1");
    const older = await one.connect(agent);
    const newer = await two.connect(agent, { seenEpoch: older.welcome.epoch });
    expect(await older.stream.next("goAway")).toMatchObject({ reason: "GO_AWAY_REASON_SUPERSEDED", reconnect: false });
    expect(newer.welcome.epoch).toBe(older.welcome.epoch + 1);
    expect(one.host.count()).toBe(0);
  });

  it("finds out by the heartbeat when the word of that was lost", async () => {
    const server = await serve({ heartbeatFlushMs: 20 });
    const { stream } = await server.connect(await server.agent("move-2"));
    await bed.database.query("UPDATE agent_sessions SET epoch = epoch + 1 WHERE agent_id = 'move-2'");
    stream.send({ heartbeat: { sequence: 1 } });
    expect((await stream.ended()).code).toBe("superseded");
  });

  it.each<[string, (stream: WireStream) => void]>([
    ["a second hello", (stream) => stream.send({ hello: {} })],
    [
      "a chunk beyond the limit",
      (stream) => stream.send(reply.output({ commandId: "c", attempt: 1, assignNo: 1 }, 0, "x".repeat(65_537))),
    ],
    [
      "an unsafe offset",
      (stream) => stream.send(reply.output({ commandId: "c", attempt: 1, assignNo: 1 }, 2 ** 53, "x")),
    ],
    ["an id with a line break", (stream) => stream.send(reply.started({ commandId: "c\n1", attempt: 1, assignNo: 1 }))],
  ])("closes the stream of an agent that sends %s, saying why", async (name, send) => {
    const server = await serve();
    const agentId = `broken-${name.replaceAll(" ", "-")}`;
    const { stream } = await server.connect(await server.agent(agentId));
    send(stream);
    const goAway = await stream.next("goAway");
    expect(goAway).toMatchObject({ reason: "GO_AWAY_REASON_PROTOCOL_ERROR", reconnect: true });
    expect(await stream.ended()).toMatchObject({
      status: "INVALID_ARGUMENT",
      code: "protocol_error",
      details: goAway.message,
    });
    expect(await recorded(server, agentId)).toEqual({ reason: "protocol_error", detail: goAway.message });
  });

  it("ignores a frame that only a later version of the contract knows", async () => {
    const server = await serve();
    const { stream } = await server.connect(await server.agent("later-1"));
    stream.send({});
    stream.send({ heartbeat: { sequence: 7 } });
    expect(await stream.next("heartbeatAck")).toMatchObject({ sequence: 7 });
    expect(server.host.count()).toBe(1);
  });

  it("reads an agent that floods it no faster than allowed, then closes its stream; others aren't touched", async () => {
    const server = await serve({ maxFramesPerSecond: 20, maxFloodSeconds: 1 });
    const { stream: runaway } = await server.connect(await server.agent("flood-1"));
    const { stream: other } = await server.connect(await server.agent("calm-1"));
    for (let sequence = 1; sequence <= 500; sequence += 1) runaway.send({ heartbeat: { sequence } });
    expect(await runaway.next("goAway")).toMatchObject({ reason: "GO_AWAY_REASON_PROTOCOL_ERROR" });
    expect(runaway.all("heartbeatAck").length).toBeLessThan(100);
    other.send({ heartbeat: { sequence: 1 } });
    expect(await other.next("heartbeatAck")).toEqual({ sequence: 1 });
  });

  it("sends agents elsewhere when it stops, after what they had reported is stored", async () => {
    const server = await serve();
    const agents = ["stop-1", "stop-2", "stop-3"];
    const streams = [];
    for (const agentId of agents) {
      const { stream } = await server.connect(await server.agent(agentId));
      await server.queue(agentId);
      const assign = await stream.next("assign");
      stream.send(reply.result(assign));
      await stream.next("resultAck");
      streams.push(stream);
    }
    await server.host.goAway({ withinMs: 5_000 });
    for (const stream of streams) {
      expect(await stream.next("goAway")).toMatchObject({ reason: "GO_AWAY_REASON_SERVER_STOPPING", reconnect: true });
      expect(await stream.ended()).toMatchObject({ status: "UNAVAILABLE", code: "server_stopping" });
    }
    for (const agentId of agents) expect(await recorded(server, agentId)).toMatchObject({ reason: "server_stopping" });
    expect(server.host.count()).toBe(0);
    const late = new WireStream(server.address);
    expect(await late.ended()).toMatchObject({ status: "UNAVAILABLE", code: "server_stopping" });
    expect(late.all("goAway")).toHaveLength(1);
    late.close();
  });

  it("closes with agents connected, frozen and half-way through their hello, in bounded time", async () => {
    const server = await serve();
    await server.connect(await server.agent("close-1"));
    const { stream: deaf } = await server.connect(await server.agent("close-2"));
    deaf.stopReading();
    const half = new WireStream(server.address);
    await half.next("challenge");
    const began = performance.now();
    await server.host.close();
    expect(performance.now() - began).toBeLessThan(3_000);
    expect((await half.ended()).status).not.toBe("INTERNAL");
    half.close();
  });

  it("counts every end under its reason", async () => {
    const server = await serve();
    const { stream } = await server.connect(await server.agent("reason-1"));
    stream.endSending();
    await recorded(server, "reason-1");
    expect(await server.metric("agent_disconnects_total", { reason: "agent_closed" })).toBe(1);
    expect(server.log.find(({ msg }) => msg === "agent session ended")).toMatchObject({
      agentId: "reason-1",
      reason: "agent_closed",
      epoch: 1,
      companyId,
    });
  });
});

/** What the store says of an agent's last end, once it has one. */
async function recorded(server: SessionServer, agentId: string): Promise<{ reason: unknown; detail: unknown }> {
  await expect
    .poll(() => server.store.getAgent(companyId, agentId), { timeout: 10_000 })
    .toMatchObject({ status: "offline" });
  const agent = await server.store.getAgent(companyId, agentId);
  return { reason: agent?.disconnectReason, detail: agent?.disconnectDetail };
}
