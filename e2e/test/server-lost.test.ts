import { eventually } from "@fleetwire/testbed";
import { afterAll, beforeAll, describe, expect, test } from "vitest";
import { fullLength, rounds } from "../src/config.ts";
import { startFleet, type Fleet } from "../src/fleet.ts";
import { startLightFleet, type LightFleetHandle, type LightFleetProcess } from "../src/light-fleet/start.ts";
import { agentIds, createLightWork } from "../src/light-work.ts";
import type { ServerProcess } from "../src/server-process.ts";
import { storesUnderTest } from "../src/store.ts";

const movers = rounds(950, 1_950);
// They know of the server that dies alone, and so can't go elsewhere.
const loyal = 50;

describe.each(storesUnderTest)("a server killed -9 with a thousand sessions, on %s", (store) => {
  let fleet: Fleet;
  let light: LightFleetProcess;

  beforeAll(async () => {
    fleet = await startFleet({ store, servers: 2, settings: { COMMAND_SERVER_LOST_AFTER: "6s" } });
    light = startLightFleet();
  });
  afterAll(async () => {
    await light.stop();
    await fleet.close();
  });

  test(
    "has its agents on the other server within seconds, and every command in flight ends once",
    async () => {
      const [one, two] = fleet.servers as [ServerProcess, ServerProcess];
      const work = createLightWork([two.operator, one.operator], fleet.folder("lost"));
      const { token } = await fleet.operator.joinToken({ uses: movers + loyal, ttlSeconds: 600 });
      const common = { joinToken: token, effects: work.effects, concurrency: 1, startAt: 0 };
      const moving = await light.add({ ...common, count: movers, prefix: "mover-", addresses: [one.grpc, two.grpc] });
      const staying = await light.add({ ...common, count: loyal, prefix: "loyal-", addresses: [one.grpc] });
      await moving.connected(movers);
      await staying.connected(loyal);

      // One runs and one waits, at every fourth agent.
      const busy = [...agentIds("mover-", movers), ...agentIds("loyal-", loyal)].filter((_, n) => n % 4 === 0);
      await work.queueEach(busy, { command: "sleep 3; echo done" });
      await eventually(async () => (await executed(moving, staying)) > busy.length / 2, { deadlineMs: 20_000 });
      await work.queueEach(busy, { command: "echo later" });

      const began = performance.now();
      await one.process.kill9();
      await moving.connected(movers, 30_000);
      const movedMs = performance.now() - began;
      expect(movedMs).toBeLessThan(20_000);

      const lost = async (): Promise<boolean> => (await reasons(two, "loyal-")).length >= loyal;
      await eventually(lost, { deadlineMs: 30_000, intervalMs: 250, what: "the sessions of the rest to be lost" });
      await one.restart();
      await staying.connected(loyal, 45_000);
      const counts = await work.settle(45_000);
      expect(counts).toEqual({ completed: work.commandIds.length });

      // Each session's end was recorded once: those of the agents that stayed as lost, the others' as soon as they were elsewhere.
      expect(await reasons(two, "loyal-")).toEqual(Array.from({ length: loyal }, () => "server_lost"));
      const moved = await reasons(two, "mover-");
      expect(moved).toHaveLength(movers);
      expect(moved.filter((reason) => reason !== "superseded" && reason !== "server_lost")).toEqual([]);
      const { dismissed } = await moving.stats();
      expect(dismissed).toBe(0);
    },
    fullLength ? 300_000 : 120_000,
  );
});

async function executed(...groups: LightFleetHandle[]): Promise<number> {
  const stats = await Promise.all(groups.map((group) => group.stats()));
  return stats.reduce((sum, each) => sum + each.executed, 0);
}

/** Why the first sessions of these agents ended, as often as it was recorded. */
async function reasons(server: ServerProcess, prefix: string): Promise<string[]> {
  const events = await server.operator.events();
  return events
    .filter(
      ({ kind, agentId, data }) => kind === "agent.disconnected" && agentId.startsWith(prefix) && data.epoch === 1,
    )
    .map(({ data }) => data.reason ?? "");
}
