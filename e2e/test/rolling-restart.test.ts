import { setTimeout as sleep } from "node:timers/promises";
import { afterAll, beforeAll, describe, expect, test } from "vitest";
import { startBalancer, type Balancer } from "../src/balancer.ts";
import { rounds } from "../src/config.ts";
import { startFleet, type Fleet } from "../src/fleet.ts";
import { follow } from "../src/follow.ts";
import { startLightFleet, type LightFleetProcess } from "../src/light-fleet/start.ts";
import { createLightWork, type LightWork } from "../src/light-work.ts";
import { connectOperator } from "../src/operator.ts";
import { storesUnderTest } from "../src/store.ts";

const agents = 20;
// A balancer that asks every 100 ms has noticed long before.
const drainDelay = "1s";

describe.each(storesUnderTest)("a rolling restart of two servers on %s", (store) => {
  let fleet: Fleet;
  let balancer: Balancer;
  let light: LightFleetProcess;
  let work: LightWork;

  beforeAll(async () => {
    fleet = await startFleet({ store, servers: 2, settings: { COMMAND_SERVER_DRAIN_DELAY: drainDelay } });
    balancer = await startBalancer({ servers: fleet.servers, checkMs: 100 });
    light = startLightFleet();
    work = createLightWork([fleet.operator], fleet.folder("rolling"));
    const { token } = await fleet.operator.joinToken({ uses: agents, ttlSeconds: 600 });
    const options = { addresses: [balancer.grpc], joinToken: token, count: agents, prefix: "rolling-" };
    const group = await light.add({ ...options, effects: work.effects, streamsPerChannel: 5 });
    await group.connected(agents);
  });

  afterAll(async () => {
    await light.stop();
    await balancer.close();
    await fleet.close();
  });

  test("fails no request, and every accepted command ends once", async () => {
    const { token } = fleet.server;
    const operator = connectOperator(balancer.url, token);
    const restarted = new AbortController();
    let resumed = 0;
    /** One command after the other, each followed to its end. */
    const client = async (n: number): Promise<void> => {
      for (let at = n; !restarted.signal.aborted; at += 1) {
        // Half of them long enough to be followed beyond the end of a server.
        const seconds = n % 2 === 0 ? 0.2 : 3;
        const body = { agentId: `rolling-${at % agents}`, command: `sleep ${seconds}; echo done` };
        // Not asked again: what isn't accepted at once is a failure.
        const commandId = await operator.queue(body);
        work.ledger.attempted(commandId);
        work.ledger.confirmed(commandId);
        const { status, output, requests } = await follow(balancer.url, token, commandId);
        expect({ commandId, status, output }).toEqual({ commandId, status: "completed", output: "done\n" });
        work.ledger.received(commandId, status);
        resumed += requests - 1;
      }
    };
    const clients = Promise.all(Array.from({ length: 8 }, (_, n) => client(n)));
    const restart = async (): Promise<void> => {
      for (let round = 0; round < rounds(1, 3); round += 1) {
        for (const server of fleet.servers) {
          const exit = await server.process.stop({ deadlineMs: 30_000 });
          expect(exit).toEqual({ code: 0, signal: null });
          await server.restart();
          while (!balancer.knowsReady(server)) await sleep(20);
        }
      }
      restarted.abort();
    };
    await Promise.all([clients, restart()]);

    expect(balancer.failures).toEqual([]);
    work.ledger.assertNothingLostNothingTwice();
    const effects = [...work.ledger.readEffects().values()];
    expect(effects.length).toBeGreaterThan(20);
    expect(resumed).toBeGreaterThan(0);
  });

  test("an unready server still takes requests, and asks for the connection's end", async () => {
    const [first] = fleet.servers;
    if (first === undefined) throw new Error("there are two servers");
    const stopping = first.process.stop({ deadlineMs: 30_000 });
    await expect
      .poll(async () => (await first.operator.request("GET", "/health/ready")).status, { interval: 10 })
      .toBe(503);
    const answer = await fetch(`${first.url}/commands?limit=1`, {
      headers: { authorization: `Bearer ${first.token}` },
    });
    expect([answer.status, answer.headers.get("connection")]).toEqual([200, "close"]);
    expect((await stopping).code).toBe(0);
    await first.restart();
  });
});
