import { eventually } from "@fleetwire/testbed";
import { afterAll, beforeAll, describe, expect, test } from "vitest";
import { fullLength, rounds } from "../src/config.ts";
import { startFleet, type Fleet } from "../src/fleet.ts";
import { startLightFleet, type LightFleetProcess } from "../src/light-fleet/start.ts";
import { agentIds, createLightWork } from "../src/light-work.ts";

const agents = 100;
const failovers = rounds(1, 5);
/** What Sentinel needs to see that a primary is gone, and to promote another one. */
const failoverMs = 40_000;
/**
 * Replication is asynchronous: of what was confirmed in the last moment before a kill. A lost command is gone; where the end of one was
 * lost, it fails as `ledger_lost`, since its agent has forgotten it.
 */
const mayBeLost = 100;

describe("servers on a set of Valkey servers whose primary is killed -9 under load", () => {
  let fleet: Fleet;
  let light: LightFleetProcess;

  beforeAll(async () => {
    fleet = await startFleet({ store: "sentinel", servers: 2 });
    light = startLightFleet();
  });
  afterAll(async () => {
    await light.stop();
    await fleet.close();
  });

  test(
    "go on with the new one: nothing runs twice, and what is lost is of the last moment, and counted",
    async () => {
      const { sentinel } = fleet.store;
      if (sentinel === null) throw new Error("this test is about a set");
      const operators = fleet.servers.map(({ operator }) => operator);
      const work = createLightWork(operators, fleet.folder("failover"));
      const { token } = await fleet.operator.joinToken({ uses: agents, ttlSeconds: 600 });
      const addresses = fleet.servers.map(({ grpc }) => grpc);
      const common = { joinToken: token, effects: work.effects, count: agents, prefix: "light-", addresses };
      const handle = await light.add(common);
      await handle.connected(agents);

      const enough = new AbortController();
      const load = (async () => {
        while (!enough.signal.aborted) await work.queueEach(agentIds("light-", agents), { command: "echo on" });
      })();
      for (let n = 0; n < failovers; n += 1) {
        const before = work.commandIds.length;
        await eventually(() => work.commandIds.length > before + 2 * agents, { deadlineMs: failoverMs });
        const old = await sentinel.primary();
        await old.kill9();
        await eventually(async () => (await sentinel.primary().catch(() => old)).port !== old.port, {
          deadlineMs: failoverMs,
          intervalMs: 100,
          what: "another primary",
        });
        await old.start();
      }
      const before = work.commandIds.length;
      await eventually(() => work.commandIds.length > before + agents, { deadlineMs: failoverMs });
      enough.abort();
      await load;
      await handle.connected(agents, failoverMs);

      const counts = await work.collect(60_000);
      const { lost, duplicated, unexpected } = work.ledger.check();
      expect({ duplicated, unexpected }).toEqual({ duplicated: [], unexpected: [] });
      const { completed = 0, failed = 0, ...others } = counts;
      expect(others).toEqual({});
      expect(completed).toBeGreaterThan(agents);
      const hurt = lost.length + failed;
      expect(hurt).toBeLessThanOrEqual(failovers * mayBeLost);
      expect(await changesLost()).toBeGreaterThanOrEqual(Math.min(1, hurt));
      expect((await handle.stats()).dismissed).toBe(0);
    },
    fullLength ? 600_000 : 120_000,
  );

  /** As the servers have counted them. */
  async function changesLost(): Promise<number> {
    const texts = await Promise.all(
      fleet.servers.map(async ({ operator }) => String((await operator.request("GET", "/metrics")).body)),
    );
    return texts.reduce(
      (sum, text) => sum + Number(/^command_store_changes_lost_total\S* (\d+)/m.exec(text)?.[1] ?? 0),
      0,
    );
  }
});
