import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { companyId, startSessionServer, type SessionServer } from "./session-server.ts";
import { startStoreBed, type StoreBed } from "./session-store.ts";
import { reply, wireProfile, WireStream } from "./wire-agent.ts";

describe("the store goes away and comes back", () => {
  let bed: StoreBed;
  let server: SessionServer;

  beforeAll(async () => {
    bed = await startStoreBed();
    server = await startSessionServer({
      ...(await bed.open({ holderTimeoutMs: 60_000 })),
      settings: { pollingIntervalMs: 200, heartbeatFlushMs: 100, heartbeatTimeoutMs: 60_000 },
    });
  });
  afterAll(async () => {
    await server.close();
    await bed.close();
  });

  it("keeps the session, acknowledges nothing, and stores every report once when the store is back", async () => {
    const profile = { ...wireProfile, concurrency: 10 };
    const agent = await server.agent("outage-1");
    const { stream } = await server.connect(agent, { profile });
    const ids: string[] = [];
    for (let index = 0; index < 10; index += 1) ids.push(await server.queue("outage-1"));
    const assigns = [];
    for (let index = 0; index < 10; index += 1) assigns.push(await stream.next("assign"));

    await bed.postgres.stop();
    await expect(server.store.ping()).rejects.toMatchObject({ code: "store_unavailable" });
    for (const assign of assigns) {
      stream.send(reply.started(assign));
      stream.send(reply.output(assign, 0, "done"));
      stream.send(reply.result(assign, { outputBytes: 4 }));
    }
    stream.send({ heartbeat: { sequence: 1 } });
    expect(await stream.next("heartbeatAck")).toEqual({ sequence: 1 });
    expect(stream.all("resultAck")).toEqual([]);

    await bed.postgres.start();
    for (let index = 0; index < 10; index += 1) await stream.next("resultAck");
    for (const commandId of ids) {
      expect(await server.store.get(companyId, commandId)).toMatchObject({
        status: "completed",
        attempt: 1,
        lateResult: null,
        result: { outputBytes: 4 },
      });
    }
    expect(server.host.count()).toBe(1);
    // And work goes on.
    const next = await server.queue("outage-1");
    expect((await stream.next("assign")).commandId).toBe(next);
    stream.close();
  });

  it("tells an agent that says hello meanwhile to try again, and takes it afterwards", async () => {
    const agent = await server.agent("outage-2");
    await bed.postgres.kill9();
    const refused = new WireStream(server.address);
    await refused.hello(agent);
    expect(await refused.ended()).toMatchObject({ status: "UNAVAILABLE", code: "store_unavailable" });
    refused.close();
    await bed.postgres.start();
    await expect
      .poll(() =>
        server.store.ping().then(
          () => true,
          () => false,
        ),
      )
      .toBe(true);
    const { stream, welcome } = await server.connect(agent);
    expect(welcome.epoch).toBeGreaterThan(0);
    stream.close();
  });

  it("loses no command whose assignment fell into the outage", async () => {
    const agent = await server.agent("outage-3");
    const ids: string[] = [];
    for (let index = 0; index < 30; index += 1) ids.push(await server.queue("outage-3"));
    const ended = new Set<string>();
    let epoch = 0;
    let highest = 0;
    let outage: Promise<void> | null = null;

    // An agent that answers everything at once, and connects again whenever its stream ends.
    while (ended.size < ids.length) {
      const stream = new WireStream(server.address);
      try {
        await stream.hello(agent, { seenEpoch: epoch, highest });
        ({ epoch } = await stream.next("welcome"));
        while (ended.size < ids.length) {
          const assign = await stream.next("assign");
          highest = assign.assignNo;
          stream.send(reply.result(assign));
          ended.add((await stream.next("resultAck")).commandId);
          outage ??= bed.postgres.kill9().then(() => bed.postgres.start());
        }
      } catch {
        // The stream ended: the next hello says that nothing is held.
      }
      stream.close();
    }
    await outage;
    for (const commandId of ids) {
      expect(await server.store.get(companyId, commandId)).toMatchObject({ status: "completed" });
    }
  });
});
