import { eventually, startFaultProxy, type FaultProxy } from "@fleetwire/testbed";
import { afterAll, beforeAll, expect, test } from "vitest";
import { rounds } from "../src/config.ts";
import { startFleet, type Fleet } from "../src/fleet.ts";
import { createWork } from "../src/work.ts";

let fleet: Fleet;
let proxy: FaultProxy;

beforeAll(async () => {
  fleet = await startFleet();
  const [host = "", port = ""] = fleet.server.grpc.split(":");
  proxy = await startFaultProxy({ target: { host, port: Number(port) } });
});

afterAll(async () => {
  await proxy.close();
  await fleet.close();
});

/** Resolves with how long it took the server to see that the agent is gone, ms. */
async function offlineAfter(agentId: string): Promise<number> {
  const began = performance.now();
  await eventually(async () => (await fleet.operator.agent(agentId))?.status === "offline", {
    deadlineMs: 40_000,
    intervalMs: 200,
    what: `${agentId} to be offline`,
  });
  return performance.now() - began;
}

test("a frozen agent and a half-open connection are both found within 30 s, and each goes on where it was", async () => {
  const work = createWork(fleet);
  const frozen = await fleet.agent("frozen");
  const halfOpen = await fleet.agent("half-open", { server: `127.0.0.1:${proxy.port}` });
  const held = [await work.queueHeld(frozen.id), await work.queueHeld(halfOpen.id)];
  for (const piece of held) await work.began(piece);

  // Only the agent: what it runs goes on, as on a machine whose agent alone hangs.
  frozen.process.signal("SIGSTOP");
  proxy.halfOpen();
  const [frozenMs, halfOpenMs] = await Promise.all([offlineAfter(frozen.id), offlineAfter(halfOpen.id)]);
  expect(frozenMs).toBeLessThan(30_000);
  expect(halfOpenMs).toBeLessThan(30_000);
  for (const { id } of [frozen, halfOpen]) {
    expect((await fleet.operator.agent(id))?.disconnectReason).toMatch(/heartbeat_timeout|connection_lost/);
  }

  const queued = [await work.queue(frozen.id), await work.queue(halfOpen.id)];
  await proxy.heal();
  frozen.process.signal("SIGCONT");
  work.release();
  await work.settle();
  expect(queued.map((piece) => work.effects(piece))).toEqual([1, 1]);
});

test("a connection cut again and again costs no command and no output", async () => {
  const work = createWork(fleet, "cut");
  const agent = await fleet.agent("cut", { server: `127.0.0.1:${proxy.port}` });
  for (let round = 0; round < rounds(3, 40); round++) {
    const burst = await Promise.all(Array.from({ length: 10 }, () => work.queue(agent.id)));
    await work.began(burst[2]!);
    proxy.cut();
    await proxy.heal();
  }
  await work.settle();
});
