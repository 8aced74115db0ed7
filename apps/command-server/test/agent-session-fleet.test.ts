import { randomUUID } from "node:crypto";
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { companyId, startSessionServer, type SessionServer } from "./session-server.ts";
import { startStoreBed, type StoreBed } from "./session-store.ts";
import { reply, wireProfile } from "./wire-agent.ts";

const patient = { timeout: 10_000 };

describe("agents of a fleet", () => {
  let bed: StoreBed;
  let server: SessionServer;
  let other: SessionServer;

  beforeAll(async () => {
    bed = await startStoreBed();
    // Polls that don't help: what happens here happens by signals.
    const settings = { pollingIntervalMs: 600_000, heartbeatFlushMs: 50, factsPauseMs: 0 };
    server = await startSessionServer({ ...(await bed.open()), settings });
    other = await startSessionServer({ ...(await bed.open()), settings });
  });
  afterAll(async () => {
    await server.close();
    await other.close();
    await bed.close();
  });

  const shown = (agentId: string) => server.store.getAgent(companyId, agentId);

  it("drain by an operator's wish and are woken when it is taken back, also from another server", async () => {
    const { stream } = await server.connect(await server.agent("drain-1"));
    expect(await other.store.requestDrain(companyId, "drain-1", true)).toBe(true);
    const commandId = await server.queue("drain-1");
    const ping = await server.queue("drain-1", { type: "PING" });
    // The queue was looked at, for the one as for the other.
    expect((await stream.next("assign")).commandId).toBe(ping);
    expect(await server.store.get(companyId, commandId)).toMatchObject({ status: "queued" });
    await other.store.requestDrain(companyId, "drain-1", false);
    expect((await stream.next("assign")).commandId).toBe(commandId);
    stream.close();
  });

  it("finish what runs while they are drained, and get nothing into the free slot", async () => {
    const { stream } = await server.connect(await server.agent("drain-2"));
    const ids = [];
    for (let n = 0; n < 3; n += 1) ids.push(await server.queue("drain-2"));
    const [first, second] = [await stream.next("assign"), await stream.next("assign")];
    await server.store.requestDrain(companyId, "drain-2", true);
    for (const assign of [first, second]) {
      stream.send(reply.started(assign));
      stream.send(reply.result(assign));
      await stream.next("resultAck");
    }
    const ping = await server.queue("drain-2", { type: "PING" });
    expect((await stream.next("assign")).commandId).toBe(ping);
    expect(await server.store.get(companyId, ids[2] ?? "")).toMatchObject({ status: "queued" });
    stream.close();
  });

  it("tell their load, and it is shown at once", async () => {
    const { stream } = await server.connect(await server.agent("load-1"));
    const load = { running: 2, load1: 1.5, freeMemoryBytes: 4096 };
    stream.send({ heartbeat: { sequence: 1, ...load } });
    await expect.poll(async () => (await shown("load-1"))?.load, patient).toEqual(load);
    stream.send({ heartbeat: { sequence: 2, ...load, running: 0 } });
    await expect.poll(async () => (await shown("load-1"))?.load, patient).toEqual({ ...load, running: 0 });
    stream.close();
  });

  it("change labels, types and concurrency while connected, and are found by them at once", async () => {
    const { stream } = await server.connect(await server.agent("live-1"), {
      profile: { ...wireProfile, concurrency: 1 },
    });
    for (let n = 0; n < 3; n += 1) await server.queue("live-1");
    const first = await stream.next("assign");
    const zone = randomUUID();
    const types = [...(wireProfile.types ?? []), { type: "SCAN", parametersSchemaJson: '{"type":"object"}' }];
    stream.send({ profile: { ...wireProfile, fleet: "moved", labels: { zone }, types, concurrency: 3 } });
    // The room is used at once, without a poll.
    await stream.next("assign");
    await stream.next("assign");
    await expect
      .poll(async () => {
        const page = await server.store.listAgents({
          companyId,
          labels: { zone },
          fleet: "moved",
          limit: 5,
          cursor: null,
        });
        return page.items;
      }, patient)
      .toMatchObject([{ agentId: "live-1", concurrency: 3, types: [{ type: "SHELL" }, { type: "SCAN" }] }]);

    stream.send({ profile: { ...wireProfile, labels: { zone }, concurrency: 1 } });
    await expect.poll(async () => (await shown("live-1"))?.concurrency, patient).toBe(1);
    await server.queue("live-1");
    stream.send(reply.started(first));
    stream.send(reply.result(first));
    await stream.next("resultAck");
    // Two of three still run: above the one that it has room for now.
    const ping = await server.queue("live-1", { type: "PING" });
    expect((await stream.next("assign")).commandId).toBe(ping);
    stream.close();
  });

  it("send their facts by themselves; what isn't facts ends no session and is left out", async () => {
    const { stream, welcome } = await server.connect(await server.agent("facts-2"));
    expect(welcome.takesFacts).toBe(true);
    stream.send({ facts: { json: '{"os":"linux","cpus":4}' } });
    await stream.next("factsAck");
    expect(await shown("facts-2")).toMatchObject({ facts: { os: "linux", cpus: 4 }, factsAt: expect.any(Date) });
    stream.send({ facts: { json: "{" } });
    await stream.next("factsAck");
    stream.send({});
    stream.send({ heartbeat: { sequence: 1, running: 0, load1: 0, freeMemoryBytes: 0 } });
    await stream.next("heartbeatAck");
    expect(await shown("facts-2")).toMatchObject({ facts: { os: "linux", cpus: 4 } });
    stream.close();
  });

  it("have each end of a session on record, with its reason", async () => {
    const agent = await server.agent("history-1");
    const { stream } = await server.connect(agent);
    stream.endSending();
    await stream.ended();
    const history = async () =>
      (await server.store.agentSessions(companyId, "history-1", 10))?.map(({ epoch, reason }) => [epoch, reason]);
    await expect.poll(history, patient).toEqual([[1, "agent_closed"]]);
    const second = await server.connect(agent, { seenEpoch: 1 });
    second.stream.close();
    await expect.poll(history, patient).toEqual([
      [2, "connection_lost"],
      [1, "agent_closed"],
    ]);
    await server.connect(agent, { seenEpoch: 2 });
    const fourth = await other.connect(agent, { seenEpoch: 3 });
    fourth.stream.send({ started: { commandId: "/", assignNo: 1, attempt: 1 } });
    await expect.poll(history, patient).toEqual([
      [4, "protocol_error"],
      [3, "superseded"],
      [2, "connection_lost"],
      [1, "agent_closed"],
    ]);
    expect(await server.store.agentSessions(companyId, "history-1", 1)).toMatchObject([
      { detail: "command_id isn't an id" },
    ]);
  });
});
