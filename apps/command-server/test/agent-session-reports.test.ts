import { randomUUID } from "node:crypto";
import type { Assign } from "@fleetwire/proto";
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { companyId, startSessionServer, type SessionServer } from "./session-server.ts";
import { startStoreBed, type StoreBed } from "./session-store.ts";
import { reply, wireProfile, type WireStream } from "./wire-agent.ts";

describe("what agents report", () => {
  let bed: StoreBed;
  let server: SessionServer;

  beforeAll(async () => {
    bed = await startStoreBed();
    server = await startSessionServer({
      ...(await bed.open({ timeoutGraceMs: 50 })),
      settings: { sweepIntervalMs: 50 },
    });
  });
  afterAll(async () => {
    await server.close();
    await bed.close();
  });

  /** An agent of this name with one assigned command. */
  async function assigned(agentId: string, type = "SHELL"): Promise<{ stream: WireStream; assign: Assign }> {
    const { stream } = await server.connect(await server.agent(agentId));
    await server.queue(agentId, { type });
    return { stream, assign: await stream.next("assign") };
  }

  const stored = (commandId: string) => server.store.get(companyId, commandId);

  async function output(commandId: string): Promise<string> {
    const found = await server.store.readOutput(companyId, commandId, 0, 1_000_000);
    return Buffer.concat(found?.pieces.map(({ data }) => data) ?? []).toString();
  }

  it("stores output, then the result, and acknowledges each", async () => {
    const { stream, assign } = await assigned("report-1");
    stream.send(reply.started(assign));
    stream.send(reply.output(assign, 0, "hello "));
    stream.send(reply.output(assign, 6, "world"));
    stream.send(reply.result(assign, { exitCode: 3, outputBytes: 11, durationMs: 25 }));
    expect(await stream.next("resultAck")).toEqual({
      commandId: assign.commandId,
      attempt: 1,
      assignNo: assign.assignNo,
    });
    expect(stream.all("outputAck").at(-1)).toEqual({ commandId: assign.commandId, attempt: 1, offset: 11 });
    expect(await stored(assign.commandId)).toMatchObject({
      status: "failed",
      startedAt: expect.any(Date),
      result: { exitCode: 3, durationMs: 25, outputBytes: 11, truncated: false },
    });
    expect(await output(assign.commandId)).toBe("hello world");
    stream.close();
  });

  it("keeps output that comes with the result", async () => {
    const { stream, assign } = await assigned("tail-1");
    const { commandId, attempt } = assign;
    stream.send(reply.output(assign, 0, "a"));
    const tail = [{ commandId, attempt, offset: 1, stream: "STREAM_STDERR" as const, data: Buffer.from("b") }];
    stream.send(reply.result(assign, { tail, outputBytes: 2 }));
    await stream.next("resultAck");
    expect(await output(commandId)).toBe("ab");
    stream.close();
  });

  it("takes output only at its own end: repeats are trimmed, and what the agent dropped is recorded", async () => {
    const { stream, assign } = await assigned("gap-1");
    stream.send(reply.output(assign, 0, "abc"));
    expect((await stream.next("outputAck")).offset).toBe(3);
    stream.send(reply.output(assign, 0, "abcde"));
    expect((await stream.next("outputAck")).offset).toBe(5);
    stream.send(reply.output(assign, 100, "z", 95));
    expect((await stream.next("outputAck")).offset).toBe(101);
    stream.send(reply.result(assign, { outputBytes: 101 }));
    await stream.next("resultAck");
    expect(await output(assign.commandId)).toBe("abcdez");
    expect(await stored(assign.commandId)).toMatchObject({ result: { truncated: true, outputBytes: 101 } });
    stream.close();
  });

  it("puts chunks that came in another order back into theirs, also when the result came first", async () => {
    const { stream, assign } = await assigned("order-1");
    stream.send(reply.output(assign, 4, "ef"));
    stream.send(reply.result(assign, { outputBytes: 6 }));
    stream.send(reply.output(assign, 2, "cd"));
    stream.send(reply.output(assign, 0, "ab"));
    await stream.next("resultAck");
    expect(await output(assign.commandId)).toBe("abcdef");
    expect(await stored(assign.commandId)).toMatchObject({ status: "completed", result: { truncated: false } });
    stream.close();
  });

  it("doesn't wait for ever for output that an agent lost", async () => {
    const { stream, assign } = await assigned("order-2");
    stream.send(reply.output(assign, 4, "ef"));
    stream.send(reply.result(assign, { outputBytes: 6 }));
    await stream.next("resultAck");
    expect(await output(assign.commandId)).toBe("ef");
    expect(await stored(assign.commandId)).toMatchObject({ status: "completed", result: { truncated: true } });
    stream.close();
  });

  it("resumes the output of a running command where the store's ends, in the next session", async () => {
    const agent = await server.agent("resume-1");
    const first = await server.connect(agent);
    await server.queue("resume-1");
    const assign = await first.stream.next("assign");
    first.stream.send(reply.started(assign));
    first.stream.send(reply.output(assign, 0, "12345"));
    await first.stream.next("outputAck");
    first.stream.close();
    const { commandId, attempt, assignNo } = assign;
    const held = [{ commandId, attempt, assignNo, state: "HELD_STATE_RUNNING" as const }];
    const second = await server.connect(agent, { seenEpoch: first.welcome.epoch, highest: assignNo, held });
    expect(second.welcome.resume).toEqual([{ commandId, attempt, offset: 5 }]);
    second.stream.send(reply.output(assign, 5, "67"));
    second.stream.send(reply.result(assign, { outputBytes: 7 }));
    await second.stream.next("resultAck");
    expect(await output(commandId)).toBe("1234567");
    second.stream.close();
  });

  it("applies a result once, and acknowledges it each time it comes", async () => {
    const { stream, assign } = await assigned("twice-2");
    stream.send(reply.result(assign));
    stream.send(reply.result(assign, { exitCode: 9 }));
    stream.send(reply.started(assign));
    await stream.next("resultAck");
    await stream.next("resultAck");
    expect(await stored(assign.commandId)).toMatchObject({ status: "completed", result: { exitCode: 0 } });
    stream.close();
  });

  it("takes a result that comes before its start report, and doesn't cancel what has ended", async () => {
    const { stream, assign } = await assigned("reorder-1");
    stream.send(reply.result(assign, { durationMs: 40, startedAgoMs: 45 }));
    await stream.next("resultAck");
    stream.send(reply.started(assign));
    stream.send({ heartbeat: { sequence: 1 } });
    await stream.next("heartbeatAck");
    expect(await stored(assign.commandId)).toMatchObject({ status: "completed", startedAt: expect.any(Date) });
    stream.close();
  });

  it("acknowledges a result of a command that nobody knows, so that the agent forgets it", async () => {
    const { stream } = await server.connect(await server.agent("unknown-1"));
    const run = { commandId: randomUUID(), attempt: 1, assignNo: 77 };
    stream.send(reply.result(run));
    expect(await stream.next("resultAck")).toEqual(run);
    expect(await stored(run.commandId)).toBeNull();
    stream.close();
  });

  it("changes nothing when an agent reports on another agent's command", async () => {
    const owner = await assigned("owner-1");
    const thief = await server.connect(await server.agent("thief-1"));
    for (const frame of [
      reply.started(owner.assign),
      reply.output(owner.assign, 0, "forged"),
      reply.result(owner.assign),
    ]) {
      thief.stream.send(frame);
    }
    await thief.stream.next("resultAck");
    expect(await stored(owner.assign.commandId)).toMatchObject({ status: "assigned", startedAt: null });
    expect(await output(owner.assign.commandId)).toBe("");
    owner.stream.send(reply.result(owner.assign));
    await owner.stream.next("resultAck");
    expect(await stored(owner.assign.commandId)).toMatchObject({ status: "completed" });
    thief.stream.close();
    owner.stream.close();
  });

  it("keeps what comes after the end as the late result", async () => {
    const { stream } = await server.connect(await server.agent("late-1"));
    await server.queue("late-1", { timeoutMs: 50 });
    const assign = await stream.next("assign");
    stream.send(reply.started(assign));
    // The sweep ends it and says so to the agent.
    expect(await stream.next("cancel")).toMatchObject({
      commandId: assign.commandId,
      assignNo: assign.assignNo,
      attempt: 1,
    });
    expect(await stored(assign.commandId)).toMatchObject({ status: "timeout" });
    stream.send(reply.result(assign, { exitCode: 4 }));
    await stream.next("resultAck");
    expect(await stored(assign.commandId)).toMatchObject({ status: "timeout", lateResult: { exitCode: 4 } });
    stream.close();
  });

  it("passes a cancel on to the agent, and takes its answer", async () => {
    const { stream, assign } = await assigned("cancel-1");
    stream.send(reply.started(assign));
    expect((await server.store.cancel(companyId, assign.commandId)).kind).toBe("requested");
    expect(await stream.next("cancel")).toEqual({
      commandId: assign.commandId,
      assignNo: assign.assignNo,
      epoch: assign.epoch,
      attempt: 1,
    });
    stream.send(reply.result(assign, { outcome: "OUTCOME_CANCELLED", exitCode: 143 }));
    await stream.next("resultAck");
    expect(await stored(assign.commandId)).toMatchObject({ status: "cancelled" });
    stream.close();
  });

  it("tells an agent that comes back which of its runs are to end", async () => {
    const agent = await server.agent("cancel-2");
    const first = await server.connect(agent);
    await server.queue("cancel-2");
    const assign = await first.stream.next("assign");
    first.stream.send(reply.started(assign));
    await expect.poll(() => stored(assign.commandId)).toMatchObject({ startedAt: expect.any(Date) });
    first.stream.close();
    await server.store.cancel(companyId, assign.commandId);
    const { commandId, attempt, assignNo } = assign;
    const held = [
      { commandId, attempt, assignNo, state: "HELD_STATE_RUNNING" as const },
      { commandId: randomUUID(), attempt: 1, assignNo: assignNo + 1, state: "HELD_STATE_RUNNING" as const },
    ];
    const second = await server.connect(agent, { seenEpoch: first.welcome.epoch, highest: assignNo + 1, held });
    const cancels = [await second.stream.next("cancel"), await second.stream.next("cancel")];
    expect(new Set(cancels.map((cancel) => cancel.commandId))).toEqual(new Set(held.map((run) => run.commandId)));
    expect(cancels.every(({ epoch }) => epoch === second.welcome.epoch)).toBe(true);
    second.stream.close();
  });

  it("sends a command again to an agent that never had it, and not one that it holds", async () => {
    const agent = await server.agent("again-1");
    const first = await server.connect(agent);
    const ids = [await server.queue("again-1"), await server.queue("again-1")];
    const [held, lost] = [await first.stream.next("assign"), await first.stream.next("assign")];
    first.stream.close();
    const second = await server.connect(agent, {
      seenEpoch: first.welcome.epoch,
      highest: held.assignNo,
      held: [{ ...reply.run(held), state: "HELD_STATE_RUNNING" }],
    });
    const again = await second.stream.next("assign");
    expect(again).toMatchObject({ commandId: lost.commandId, attempt: 1, epoch: second.welcome.epoch });
    second.stream.send(reply.result(held));
    second.stream.send(reply.result(again));
    await second.stream.next("resultAck");
    await second.stream.next("resultAck");
    for (const commandId of ids) expect(await stored(commandId)).toMatchObject({ status: "completed" });
    expect(second.stream.all("assign")).toHaveLength(1);
    second.stream.close();
  });

  it("asks the agent to end a run that isn't the command's any more", async () => {
    const { stream } = await server.connect(await server.agent("stray-1"));
    const run = { commandId: randomUUID(), attempt: 1, assignNo: 5 };
    stream.send(reply.started(run));
    expect(await stream.next("cancel")).toMatchObject(run);
    expect(await server.metric("agent_reports_stale_total", { kind: "started" })).toBeGreaterThanOrEqual(1);
    stream.close();
  });

  it("keeps a complete inventory as the agent's facts, and no broken one", async () => {
    const { stream, assign } = await assigned("facts-1", "FACTS");
    const facts = { os: "linux", cpus: 4, disks: [{ name: "sda" }] };
    stream.send(reply.output(assign, 0, JSON.stringify(facts)));
    stream.send(reply.result(assign, { outputBytes: JSON.stringify(facts).length, recorded: false }));
    await expect.poll(() => server.store.getAgent(companyId, "facts-1")).toMatchObject({ facts });
    await server.queue("facts-1", { type: "FACTS" });
    const broken = await stream.next("assign");
    stream.send(reply.output(broken, 0, '{"os":'));
    stream.send(reply.result(broken, { outputBytes: 6, recorded: false }));
    await expect.poll(() => server.log.some(({ commandId }) => commandId === broken.commandId)).toBe(true);
    expect(await server.store.getAgent(companyId, "facts-1")).toMatchObject({ facts });
    stream.close();
  });

  it("stores a result that was the agent's last word before it left", async () => {
    const { stream, assign } = await assigned("last-1", "STOP");
    stream.send(reply.started(assign));
    stream.send(reply.result(assign));
    stream.endSending();
    await stream.ended();
    await expect.poll(() => stored(assign.commandId)).toMatchObject({ status: "completed" });
  });

  it("survives duplicated and reordered frames: each command ends once, with its whole output", async () => {
    const profile = { ...wireProfile, concurrency: 20 };
    const { stream } = await server.connect(await server.agent("shuffle-1"), { profile });
    const ids: string[] = [];
    for (let index = 0; index < 20; index += 1) ids.push(await server.queue("shuffle-1"));
    for (let index = 0; index < 20; index += 1) {
      const assign = await stream.next("assign");
      const frames = [
        reply.started(assign),
        reply.output(assign, 0, "ab"),
        reply.output(assign, 0, "ab"),
        reply.output(assign, 2, "cd"),
        reply.output(assign, 1, "bcd"),
        reply.started(assign),
        reply.result(assign, { outputBytes: 4 }),
        reply.result(assign, { outputBytes: 4 }),
        reply.output(assign, 0, "abcd"),
        reply.started(assign),
      ];
      for (const frame of frames) stream.send(frame);
    }
    for (let index = 0; index < 40; index += 1) await stream.next("resultAck");
    for (const commandId of ids) {
      expect(await stored(commandId)).toMatchObject({ status: "completed", attempt: 1, lateResult: null });
      expect(await output(commandId)).toBe("abcd");
    }
    expect(server.host.count()).toBe(1);
    stream.close();
  });
});
