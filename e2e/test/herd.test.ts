import { setTimeout as sleep } from "node:timers/promises";
import { eventually } from "@fleetwire/testbed";
import { afterAll, beforeAll, describe, expect, test } from "vitest";
import { rounds } from "../src/config.ts";
import { startFleet, type Fleet } from "../src/fleet.ts";
import { startLightFleet, type LightFleetHandle, type LightFleetProcess } from "../src/light-fleet/start.ts";
import { agentIds, createLightWork } from "../src/light-work.ts";
import { storesUnderTest } from "../src/store.ts";

const count = rounds(1_500, 10_000);
const backWithinMs = 60_000;

describe.each(storesUnderTest)(`${count} agents that come back at once, on %s`, (store) => {
  let fleet: Fleet;
  let light: LightFleetProcess;
  let herd: LightFleetHandle;
  let effects: ReturnType<typeof createLightWork>;

  beforeAll(
    async () => {
      fleet = await startFleet({ store });
      effects = createLightWork([fleet.operator], fleet.folder("herd"));
      light = startLightFleet();
      const { token } = await fleet.operator.joinToken({ uses: count, ttlSeconds: 600 });
      const options = { addresses: [fleet.server.grpc], joinToken: token, count, prefix: "herd-" };
      herd = await light.add({ ...options, effects: effects.effects });
      await herd.connected(count, 120_000);
    },
    rounds(120_000, 400_000),
  );
  afterAll(async () => {
    await light.stop();
    await fleet.close();
  });

  test(
    "are all back within a minute, none of them refused for good, and operators are served meanwhile",
    async ({ annotate }) => {
      const memory = fleet.server.memory();
      await fleet.server.process.kill9();
      await eventually(async () => (await herd.stats()).connected === 0, { deadlineMs: 30_000, intervalMs: 100 });
      const before = await herd.stats();
      await fleet.server.restart();

      const began = performance.now();
      const times: number[] = [];
      const all = new AbortController();
      const operators = async (): Promise<void> => {
        while (!all.signal.aborted) {
          const asked = performance.now();
          // Each has to be accepted at once: nothing here is tried again.
          await fleet.operator.queue({ agentId: "herd-0", type: "PING" });
          times.push(performance.now() - asked);
          await sleep(50);
        }
      };
      const back = async (): Promise<number> => {
        const { lastWelcomeAt } = await herd.connected(count, backWithinMs).finally(() => all.abort());
        return performance.now() - began - (Date.now() - lastWelcomeAt);
      };
      const [tookMs] = await Promise.all([back(), operators()]);

      const { dismissed, goAways, ends } = await herd.stats();
      const sorted = times.toSorted((a, b) => a - b);
      const p = (share: number): string => `${(sorted[Math.floor(sorted.length * share)] ?? Number.NaN).toFixed(0)} ms`;
      const sentAway = (goAways["GO_AWAY_REASON_OVERLOADED"] ?? 0) - (before.goAways["GO_AWAY_REASON_OVERLOADED"] ?? 0);
      await annotate(
        `${count} back in ${(tookMs / 1_000).toFixed(1)} s, sent away ${sentAway} times; ends ${JSON.stringify(ends)}; ` +
          `POST /commands p50 ${p(0.5)}, p99 ${p(0.99)}; memory before ${Math.round(memory / 2 ** 20)} MiB`,
      );
      expect(tookMs).toBeLessThan(backWithinMs);
      expect(dismissed).toBe(0);
      // Told when to come, most come once more; not again and again.
      expect(sentAway).toBeLessThan(3 * count);
      expect(sorted[Math.floor(sorted.length * 0.99)]).toBeLessThan(5_000);
      expect(memory / 1e6).toBeLessThan(700);

      await effects.queueEach(agentIds("herd-", 100), { command: "echo back" });
      expect(await effects.settle(30_000)).toMatchObject({ completed: 100 });
    },
    rounds(180_000, 400_000),
  );
});
