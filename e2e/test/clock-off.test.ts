import { setTimeout as sleep } from "node:timers/promises";
import { eventually } from "@fleetwire/testbed";
import { afterAll, beforeAll, describe, expect, test } from "vitest";
import { rounds } from "../src/config.ts";
import { startFleet, type Fleet } from "../src/fleet.ts";
import { startLightFleet, type LightFleetProcess } from "../src/light-fleet/start.ts";
import { agentIds, createLightWork, type LightWork } from "../src/light-work.ts";
import { withClockOff, type ServerProcess } from "../src/server-process.ts";
import { storesUnderTest } from "../src/store.ts";
import { startSwitch, type Switch } from "../src/switch.ts";

const offMs = 600_000;
const lostAfterMs = 3_000;
const count = 20;

describe.each(storesUnderTest)("one server's clock 10 minutes ahead and another's 10 behind, on %s", (store) => {
  let fleet: Fleet;
  let ahead: ServerProcess;
  let behind: ServerProcess;
  let light: LightFleetProcess;
  let line: Switch;
  let work: LightWork;

  beforeAll(async () => {
    fleet = await startFleet({
      store,
      servers: [withClockOff(offMs), withClockOff(-offMs)],
      settings: { COMMAND_SERVER_LOST_AFTER: `${lostAfterMs}ms` },
    });
    [ahead, behind] = fleet.servers as [ServerProcess, ServerProcess];
    line = await startSwitch(ahead.grpcPort);
    work = createLightWork([ahead.operator, behind.operator], fleet.folder("clock"));
    light = startLightFleet();
    const { token } = await ahead.operator.joinToken({ uses: count + 1, ttlSeconds: 60 });
    const common = { joinToken: token, effects: work.effects };
    const spread = await light.add({ ...common, count, prefix: "spread-", addresses: [ahead.grpc, behind.grpc] });
    const mover = await light.add({ ...common, count: 1, prefix: "mover-", addresses: [line.address] });
    await spread.connected(count);
    await mover.connected(1);
  });
  afterAll(async () => {
    await light.stop();
    await line.close();
    await fleet.close();
  });

  const both = (): ServerProcess[] => [ahead, behind];

  test("the servers' clocks really are", async () => {
    for (const [server, shift] of [
      [ahead, offMs],
      [behind, -offMs],
    ] as const) {
      // An id begins with the milliseconds of the server that made it (UUIDv7).
      const commandId = await server.operator.queue({ agentId: "spread-0", type: "PING" });
      const madeAt = Number.parseInt(commandId.replace("-", "").slice(0, 12), 16);
      expect(Math.abs(madeAt - Date.now() - shift)).toBeLessThan(10_000);
    }
  });

  test("each takes what has time left and refuses what is over, and dates by the store's clock", async () => {
    for (const { operator } of both()) {
      const request = (seconds: number) =>
        operator.request("POST", "/commands", {
          agentId: "spread-0",
          type: "PING",
          expiresAt: new Date(Date.now() + seconds * 1_000).toISOString(),
        });
      expect((await request(60)).status).toBe(202);
      expect(await request(-60)).toMatchObject({ status: 400, body: { code: "invalid_request" } });
      const { queuedAt } = await operator.get(await operator.queue({ agentId: "spread-1", type: "PING" }));
      expect(Math.abs(Date.parse(queuedAt) - Date.now())).toBeLessThan(5_000);
    }
  });

  test("agents of both stay connected, and what either is asked for is carried out once", async () => {
    for (let round = 0; round < rounds(2, 20); round += 1) {
      await work.queueEach(agentIds("spread-", count), { command: "sleep 0.2; echo done" });
      await sleep(lostAfterMs);
    }
    const counts = await work.settle(20_000);
    expect(counts).toEqual({ completed: work.commandIds.length });
    for (const id of agentIds("spread-", count)) {
      expect(await ahead.operator.agent(id)).toMatchObject({ status: "online", epoch: 1 });
    }
  });

  test("a command that waits in vain expires when its time is over, and not before", async () => {
    for (const { operator } of both()) {
      const expiresAt = new Date(Date.now() + 3_000);
      const body = {
        agentId: `absent-${operator === ahead.operator ? 1 : 2}`,
        command: "true",
        allowUnknownAgent: true,
      };
      const commandId = await operator.queue({ ...body, expiresAt: expiresAt.toISOString() });
      const { finishedAt } = await fleet.ended(commandId, 15_000);
      expect((await operator.get(commandId)).status).toBe("expired");
      const lateMs = Date.parse(finishedAt ?? "") - expiresAt.getTime();
      expect(lateMs).toBeGreaterThanOrEqual(-50);
      expect(lateMs).toBeLessThan(5_000);
    }
  });

  test("an agent that moves between them is fenced by its epoch", async () => {
    for (const [to, epoch] of [
      [behind, 2],
      [ahead, 3],
    ] as const) {
      line.layTo(to.grpcPort);
      line.strand();
      await eventually(async () => (await to.operator.agent("mover-0"))?.epoch === epoch, { deadlineMs: 15_000 });
      const commandId = await work.queue("mover-0", { command: "echo moved" });
      expect(await fleet.ended(commandId)).toMatchObject({ status: "completed", attempt: 1 });
    }
    await work.settle(10_000);
  });
});
