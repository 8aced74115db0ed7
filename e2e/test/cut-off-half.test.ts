import { setTimeout as sleep } from "node:timers/promises";
import { eventually, startFaultProxy, type FaultProxy } from "@fleetwire/testbed";
import { afterAll, beforeAll, describe, expect, test } from "vitest";
import { fullLength, rounds } from "../src/config.ts";
import { startFleet, type Fleet } from "../src/fleet.ts";
import { startLightFleet, type LightFleetProcess } from "../src/light-fleet/start.ts";
import { agentIds, createLightWork } from "../src/light-work.ts";
import { storesUnderTest } from "../src/store.ts";

const half = rounds(300, 1_000);
const cutOffMs = rounds(15_000, 60_000);

describe.each(storesUnderTest)("half of a fleet cut off in the middle of a rollout, on %s", (store) => {
  let fleet: Fleet;
  let proxy: FaultProxy;
  let light: LightFleetProcess;

  beforeAll(async () => {
    fleet = await startFleet({ store, settings: { COMMAND_SERVER_LOST_AFTER: "6s" } });
    proxy = await startFaultProxy({ target: { host: "127.0.0.1", port: fleet.server.grpcPort } });
    light = startLightFleet();
  });
  afterAll(async () => {
    await light.stop();
    await proxy.close();
    await fleet.close();
  });

  test(
    "every command ends, and is carried out once",
    async () => {
      const work = createLightWork([fleet.operator], fleet.folder("half"));
      const { token } = await fleet.operator.joinToken({ uses: 2 * half, ttlSeconds: 600 });
      const labels = { test: "cut-off-half" };
      const common = { joinToken: token, effects: work.effects, count: half, labels };
      const near = await light.add({ ...common, prefix: "near-", addresses: [fleet.server.grpc] });
      const far = await light.add({ ...common, prefix: "far-", addresses: [`127.0.0.1:${proxy.port}`] });
      await Promise.all([near.connected(half), far.connected(half)]);
      const everybody = agentIds("near-", half).flatMap((id, n) => [id, `far-${n}`]);

      const { rolloutId, targets } = await work.rollout({
        command: "sleep 2; echo before",
        selector: { labels },
        maxConcurrency: half,
      });
      expect(targets).toBe(2 * half);
      await eventually(async () => (await far.stats()).executed > half / 4, { deadlineMs: 30_000 });
      proxy.halfOpen();
      const healed = sleep(cutOffMs).then(() => proxy.heal());
      await work.queueEach(everybody, { command: "echo while" });
      await eventually(async () => (await fleet.operator.agent("far-0"))?.status === "offline", {
        deadlineMs: 15_000,
        what: "the server to see that it is cut off",
      });
      expect((await fleet.operator.agent("near-0"))?.status).toBe("online");
      expect(await fleet.operator.rolloutView(rolloutId)).toMatchObject({ status: "running" });
      await healed;
      await work.queueEach(everybody, { command: "echo after" });

      await far.connected(half, 60_000);
      const rollout = await eventually(
        async () => {
          const seen = await fleet.operator.rolloutView(rolloutId);
          return seen.status === "running" ? null : seen;
        },
        { deadlineMs: 60_000, intervalMs: 250, what: "the rollout to end" },
      );
      expect(rollout).toMatchObject({ status: "completed", counts: { targets, completed: targets, errors: 0 } });
      expect(await work.settle(60_000)).toEqual({ completed: 6 * half });
      expect((await far.stats()).dismissed).toBe(0);
    },
    fullLength ? 600_000 : 120_000,
  );
});
