import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { companyId, startSessionServer, type SessionServer } from "./session-server.ts";
import { startStoreBed, type StoreBed } from "./session-store.ts";
import { reply, wireProfile } from "./wire-agent.ts";

describe("commands reach their agents", () => {
  let bed: StoreBed;
  let server: SessionServer;

  beforeAll(async () => {
    bed = await startStoreBed();
    server = await startSessionServer({
      ...(await bed.open()),
      settings: { pollingIntervalMs: 200, answerTimeoutMs: 5_000, refusalPauseMs: 200 },
    });
  });
  afterAll(async () => {
    await server.close();
    await bed.close();
  });

  it("carries a queued command to its agent with all that was asked for", async () => {
    const { stream, welcome } = await server.connect(await server.agent("carry-1"));
    const commandId = await server.queue("carry-1", {
      command: "uname",
      args: ["-a"],
      timeoutMs: 7_000,
      idempotent: true,
      traceparent: "00-4bf92f3577b34da6a3ce929d0e0e4736-00f067aa0ba902b7-01",
    });
    const { startWindowMs, ...assign } = await stream.next("assign");
    expect(assign).toEqual({
      commandId,
      assignNo: 1,
      epoch: welcome.epoch,
      attempt: 1,
      type: "SHELL",
      command: "uname",
      hasArgs: true,
      args: ["-a"],
      parametersJson: "{}",
      timeoutMs: 7_000,
      idempotent: true,
      traceparent: "00-4bf92f3577b34da6a3ce929d0e0e4736-00f067aa0ba902b7-01",
    });
    expect(startWindowMs).toBeGreaterThan(86_000_000);
    stream.close();
  });

  it("delivers what was queued while the agent was away, the highest priority first", async () => {
    const agent = await server.agent("away-1");
    const low = await server.queue("away-1", { priority: 4 });
    const urgent = await server.queue("away-1", { priority: 9 });
    const normal = await server.queue("away-1", { priority: 6 });
    const { stream } = await server.connect(agent, { profile: { ...wireProfile, concurrency: 3 } });
    const order = [await stream.next("assign"), await stream.next("assign"), await stream.next("assign")];
    expect(order.map(({ commandId }) => commandId)).toEqual([urgent, normal, low]);
    stream.close();
  });

  it("gives no more than the agent's concurrency, and the next one when a result frees a slot", async () => {
    const { stream } = await server.connect(await server.agent("slots-1"));
    const ids = [];
    for (let index = 0; index < 5; index += 1) ids.push(await server.queue("slots-1"));
    const [first, second] = [await stream.next("assign"), await stream.next("assign")];
    for (const assign of [first, second]) stream.send(reply.started(assign));
    await expect
      .poll(() => server.store.get(companyId, first.commandId))
      .toMatchObject({ startedAt: expect.any(Date) });
    expect(stream.all("assign")).toHaveLength(2);
    stream.send(reply.result(first));
    expect((await stream.next("assign")).commandId).toBe(ids[2]);
    expect(await stream.next("resultAck")).toEqual({ commandId: first.commandId, attempt: 1, assignNo: 1 });
    expect(stream.all("assign")).toHaveLength(3);
    stream.close();
  });

  it("fills the slots and no more, once each and in order of the numbers, whatever is stored at the same time", async () => {
    const slots = 3;
    const count = 40;
    const { stream } = await server.connect(await server.agent("crowd-1"), {
      profile: { ...wireProfile, concurrency: slots },
    });
    const queued = Array.from({ length: count }, () => server.queue("crowd-1"));
    const given: string[] = [];
    for (let number = 1; number <= count; number += 1) {
      const assign = await stream.next("assign");
      expect(assign.assignNo).toBe(number);
      given.push(assign.commandId);
      expect(stream.all("assign").length).toBeLessThanOrEqual(number - 1 + slots);
      stream.send(reply.result(assign));
    }
    expect(given.toSorted()).toEqual((await Promise.all(queued)).toSorted());
    stream.close();
  });

  it("assigns in the step that stores the command where a slot is free", async () => {
    const { stream } = await server.connect(await server.agent("direct-1"));
    const commandId = await server.queue("direct-1");
    expect(await server.store.get(companyId, commandId)).toMatchObject({ status: "assigned", revision: 2 });
    expect((await stream.next("assign")).commandId).toBe(commandId);
    stream.close();
  });

  it("gives control commands slots of their own while the agent is busy", async () => {
    const { stream } = await server.connect(await server.agent("busy-1"), {
      profile: { ...wireProfile, concurrency: 1 },
    });
    await server.queue("busy-1");
    await stream.next("assign");
    await server.queue("busy-1");
    const stop = await server.queue("busy-1", { type: "STOP" });
    expect((await stream.next("assign")).commandId).toBe(stop);
    expect(stream.all("assign")).toHaveLength(2);
    stream.close();
  });

  it("goes on through a full queue in batches, without waiting for the poll", async () => {
    const agent = await server.agent("batch-1");
    const ids: string[] = [];
    for (let index = 0; index < 50; index += 1) ids.push(await server.queue("batch-1"));
    const { stream } = await server.connect(agent, { profile: { ...wireProfile, concurrency: 100 } });
    const given: string[] = [];
    for (let index = 0; index < 50; index += 1) given.push((await stream.next("assign")).commandId);
    expect(given).toEqual(ids);
    expect(stream.all("assign").map(({ assignNo }) => assignNo)).toEqual(
      Array.from({ length: 50 }, (_, index) => index + 1),
    );
    stream.close();
  });

  it("gives a draining agent no work, and work again when it is done with that", async () => {
    const { stream } = await server.connect(await server.agent("drain-1"));
    stream.send({ profile: { ...wireProfile, draining: true } });
    await expect.poll(() => server.store.getAgent(companyId, "drain-1")).toMatchObject({ draining: true });
    const work = await server.queue("drain-1");
    const ping = await server.queue("drain-1", { type: "PING" });
    expect((await stream.next("assign")).commandId).toBe(ping);
    stream.send({ profile: { ...wireProfile, draining: false } });
    expect((await stream.next("assign")).commandId).toBe(work);
    stream.close();
  });

  it("gives more when the agent's concurrency is raised", async () => {
    const { stream } = await server.connect(await server.agent("raise-1"), {
      profile: { ...wireProfile, concurrency: 1 },
    });
    await server.queue("raise-1");
    await stream.next("assign");
    const second = await server.queue("raise-1");
    stream.send({ profile: { ...wireProfile, concurrency: 2 } });
    expect((await stream.next("assign")).commandId).toBe(second);
    await expect.poll(() => server.store.getAgent(companyId, "raise-1")).toMatchObject({ concurrency: 2 });
    stream.close();
  });

  it("sends a refused command again after a pause, with the next number", async () => {
    const { stream } = await server.connect(await server.agent("refuse-1"));
    const commandId = await server.queue("refuse-1");
    const first = await stream.next("assign");
    stream.send({ refused: { ...reply.run(first), reason: "REFUSAL_REASON_BUSY", recorded: true } });
    const again = await stream.next("assign");
    expect(again).toMatchObject({ commandId, assignNo: first.assignNo + 1, attempt: 1 });
    stream.close();
  });

  it("finds work whose wake-up was lost by the poll", async () => {
    const { stream } = await server.connect(await server.agent("lost-1"));
    // Queued by a server that wakes nobody.
    const silent = await bed.open({ wakeUp: false });
    const other = await startSessionServer({ ...silent, settings: { pollingIntervalMs: 60_000 } });
    const commandId = await other.queue("lost-1");
    expect((await stream.next("assign")).commandId).toBe(commandId);
    stream.close();
    await other.close();
  });

  it("is woken for a command that was queued on another server", async () => {
    const holder = await startSessionServer({ ...(await bed.open()), settings: { pollingIntervalMs: 60_000 } });
    const { stream } = await holder.connect(await holder.agent("other-1"));
    const commandId = await server.queue("other-1");
    expect((await stream.next("assign")).commandId).toBe(commandId);
    stream.close();
    await holder.close();
  });

  it("counts what it gave away and how long that had waited", async () => {
    const before = await server.metric("commands_assigned_total");
    const { stream } = await server.connect(await server.agent("count-1"));
    await server.queue("count-1");
    const assign = await stream.next("assign");
    stream.send(reply.result(assign, { durationMs: 1_500 }));
    await stream.next("resultAck");
    expect(await server.metric("commands_assigned_total")).toBe(before + 1);
    expect(await server.metric("commands_finished_total", { status: "completed" })).toBeGreaterThanOrEqual(1);
    expect(await server.metric("agent_frames_total", { direction: "in", kind: "result" })).toBeGreaterThanOrEqual(1);
    expect(await server.metric("agents_connected")).toBe(server.host.count());
    stream.close();
  });
});
