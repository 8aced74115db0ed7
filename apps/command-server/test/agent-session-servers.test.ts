import { afterAll, afterEach, beforeAll, describe, expect, it } from "vitest";
import type { SessionSettings } from "../src/agents/session-settings.ts";
import type { StoreSettings } from "../src/store/settings.ts";
import { companyId, startSessionServer, type SessionServer } from "./session-server.ts";
import { startStoreBed, type StoreBed } from "./session-store.ts";
import { reply } from "./wire-agent.ts";

describe("agents of several servers", () => {
  let bed: StoreBed;
  const servers: SessionServer[] = [];

  beforeAll(async () => {
    bed = await startStoreBed();
  });
  afterEach(async () => {
    for (const server of servers.splice(0)) await server.close();
  });
  afterAll(() => bed.close());

  async function serve(
    settings: Partial<SessionSettings> = {},
    store: Partial<StoreSettings> = {},
  ): Promise<SessionServer> {
    const server = await startSessionServer({ ...(await bed.open(store)), settings });
    servers.push(server);
    return server;
  }

  it("are told to connect again when another server has closed their session for their own server's silence", async () => {
    const server = await serve({ heartbeatFlushMs: 20, heartbeatIntervalMs: 3_600_000 });
    const agent = await server.agent("silenced-1");
    const { stream, welcome } = await server.connect(agent);
    await server.queue("silenced-1");
    const assign = await stream.next("assign");
    stream.send(reply.started(assign));

    const { store: other } = await bed.open({ holderTimeoutMs: 100 });
    await expect
      .poll(
        async () => {
          await other.serverHeartbeat();
          return other.getAgent(companyId, "silenced-1");
        },
        { timeout: 10_000 },
      )
      .toMatchObject({ status: "offline", disconnectReason: "server_lost" });

    stream.send({ heartbeat: { sequence: 1 } });
    expect(await stream.ended()).toMatchObject({ status: "UNAVAILABLE", code: "session_lost" });
    expect(stream.all("goAway")).toEqual([]);
    expect(server.host.count()).toBe(0);

    // What it runs goes on.
    const held = [{ ...reply.run(assign), state: "HELD_STATE_RUNNING" as const }];
    const again = await server.connect(agent, { seenEpoch: welcome.epoch, highest: assign.assignNo, held });
    expect(again.welcome).toMatchObject({ epoch: welcome.epoch + 1, resume: [{ commandId: assign.commandId }] });
    again.stream.send(reply.result(assign));
    await again.stream.next("resultAck");
    expect(await server.store.get(companyId, assign.commandId)).toMatchObject({ status: "completed", attempt: 1 });
    // Recorded once, as what it was.
    expect(await server.metric("agent_disconnects_total", { reason: "session_lost" })).toBe(1);
    expect(await disconnects("silenced-1")).toEqual(["server_lost"]);
  });

  it("are told to connect again when the store has forgotten their session", async () => {
    const server = await serve({ heartbeatFlushMs: 20 });
    const agent = await server.agent("forgotten-1");
    const first = await server.connect(agent);
    const second = await server.connect(agent, { seenEpoch: first.welcome.epoch });
    // As after a failover to a copy that lags behind.
    await bed.database.query("UPDATE agent_sessions SET epoch = epoch - 1 WHERE agent_id = 'forgotten-1'");
    second.stream.send({ heartbeat: { sequence: 1 } });
    expect(await second.stream.ended()).toMatchObject({ status: "UNAVAILABLE", code: "session_lost" });
    expect(second.stream.all("goAway")).toEqual([]);
    const third = await server.connect(agent, { seenEpoch: second.welcome.epoch });
    expect(third.welcome.epoch).toBe(second.welcome.epoch + 1);
  });

  it("are told to end a run that another server's sweep has ended", async () => {
    const store = { startGraceMs: 50, timeoutGraceMs: 50 };
    const holder = await serve({ sweepIntervalMs: 3_600_000 }, store);
    await serve({ sweepIntervalMs: 20 }, store);
    const { stream } = await holder.connect(await holder.agent("overdue-1"));
    await holder.queue("overdue-1", { timeoutMs: 100 });
    const assign = await stream.next("assign");
    stream.send(reply.started(assign));
    expect(await stream.next("cancel")).toMatchObject(reply.run(assign));
    expect(await holder.store.get(companyId, assign.commandId)).toMatchObject({ status: "timeout" });
  });

  it("go on with their runs on the server that they move to, from the output that is stored; the old one ends", async () => {
    const [one, two] = [await serve(), await serve()];
    const agent = await one.agent("mover-1");
    const older = await one.connect(agent);
    await one.queue("mover-1");
    const assign = await older.stream.next("assign");
    older.stream.send(reply.started(assign));
    older.stream.send(reply.output(assign, 0, "abc"));
    await older.stream.next("outputAck");

    const held = [{ ...reply.run(assign), state: "HELD_STATE_RUNNING" as const }];
    const hello = { seenEpoch: older.welcome.epoch, highest: assign.assignNo, held };
    const newer = await two.connect(agent, hello);
    expect(newer.welcome.resume).toMatchObject([{ commandId: assign.commandId, attempt: 1, offset: 3 }]);
    expect(await older.stream.next("goAway")).toMatchObject({ reason: "GO_AWAY_REASON_SUPERSEDED", reconnect: false });
    expect(one.host.count()).toBe(0);

    // Sent again from before what is stored, as by an agent whose acknowledgement was lost.
    newer.stream.send(reply.output(assign, 0, "abcdef"));
    newer.stream.send(reply.result(assign, { outputBytes: 6 }));
    await newer.stream.next("resultAck");
    const output = await one.store.readOutput(companyId, assign.commandId, 0, 100);
    expect(Buffer.concat((output?.pieces ?? []).map(({ data }) => data)).toString()).toBe("abcdef");
    expect(output?.truncated).toBe(false);
    expect(await one.store.get(companyId, assign.commandId)).toMatchObject({ status: "completed", attempt: 1 });
    expect(newer.stream.all("assign")).toEqual([]);

    // What the old server is asked for reaches the agent where it is.
    const commandId = await one.queue("mover-1");
    expect(await newer.stream.next("assign")).toMatchObject({ commandId });
  });

  async function disconnects(agentId: string): Promise<string[]> {
    const rows = await bed.database.query<{ reason: string }>({
      text: "SELECT data->>'reason' AS reason FROM feed WHERE kind = 'agent.disconnected' AND agent_id = $1",
      values: [agentId],
    });
    return rows.map(({ reason }) => reason);
  }
});
