import { eventually } from "@fleetwire/testbed";
import { afterAll, beforeAll, describe, expect, test } from "vitest";
import { startFleet, type Fleet } from "../src/fleet.ts";
import { follow } from "../src/follow.ts";
import type { AgentView } from "../src/operator.ts";
import type { ServerProcess } from "../src/server-process.ts";
import { storesUnderTest } from "../src/store.ts";
import { startSwitch, type Switch } from "../src/switch.ts";
import { createWork } from "../src/work.ts";

const lines = 100;
const counting = `for i in $(seq 1 ${lines}); do echo line $i; sleep 0.03; done`;
const counted = Array.from({ length: lines }, (_, i) => `line ${i + 1}\n`).join("");

const seen = async (from: ServerProcess, agentId: string): Promise<AgentView> => {
  const agent = await from.operator.agent(agentId);
  if (agent === null) throw new Error(`there is no agent ${agentId}`);
  return agent;
};

describe.each(storesUnderTest)("an agent that moves to another server on %s", (store) => {
  let fleet: Fleet;
  let line: Switch;
  let one: ServerProcess;
  let two: ServerProcess;

  beforeAll(async () => {
    fleet = await startFleet({ store, servers: 2, settings: { COMMAND_SERVER_LOST_AFTER: "15s" } });
    [one, two] = fleet.servers as [ServerProcess, ServerProcess];
    line = await startSwitch(one.grpcPort);
  });
  afterAll(async () => {
    one.process.signal("SIGCONT");
    await line.close();
    await fleet.close();
  });

  /** Lays the line to a server and cuts it; resolves when the agent is there, with how long that took in ms. */
  async function move(agentId: string, to: ServerProcess, from = to): Promise<number> {
    const before = await seen(from, agentId);
    const began = performance.now();
    line.layTo(to.grpcPort);
    line.strand();
    await eventually(
      async () => {
        const { status, serverId, epoch } = await seen(from, agentId);
        return status === "online" && serverId !== before.serverId && epoch === before.epoch + 1;
      },
      { deadlineMs: 20_000, intervalMs: 20, what: `${agentId} to be on the other server` },
    );
    return performance.now() - began;
  }

  test("takes over at once while the old server lives: runs go on, output is whole, the old session ends", async () => {
    line.layTo(one.grpcPort);
    const work = createWork(fleet, "alive");
    const agent = await fleet.agent("alive", { server: line.address });
    const held = await work.queueHeld(agent.id);
    await work.began(held);
    const commandId = await fleet.operator.queue({ agentId: agent.id, command: counting });
    const followed = follow(one.url, one.token, commandId);
    await eventually(async () => (await fleet.operator.output(commandId)).includes("line 5\n"), { deadlineMs: 10_000 });

    const tookMs = await move(agent.id, two);
    expect(tookMs).toBeLessThan(10_000);
    await one.process.waitForLine(/agent session ended.*superseded|superseded.*agent session ended/, 5_000);
    // Asked of the old server, given by the new one.
    const later = await work.queue(agent.id);
    await work.began(later);
    work.release();
    await work.settle();
    expect(await fleet.ended(commandId)).toMatchObject({ status: "completed", attempt: 1 });
    expect(await fleet.operator.output(commandId)).toBe(counted);
    expect(await followed).toMatchObject({ status: "completed", output: counted });
    await agent.process.stop();
  });

  test("takes over while the old server is frozen, and keeps its place when that thaws", async () => {
    line.layTo(one.grpcPort);
    const work = createWork(fleet.from(two), "frozen");
    const agent = await fleet.agent("frozen", { server: line.address });
    const held = await work.queueHeld(agent.id);
    await work.began(held);
    const commandId = await two.operator.queue({ agentId: agent.id, command: counting });
    await eventually(async () => (await two.operator.output(commandId)).includes("line 5\n"), { deadlineMs: 10_000 });
    one.process.signal("SIGSTOP");
    const tookMs = await move(agent.id, two);
    expect(tookMs).toBeLessThan(10_000);
    const later = await work.queue(agent.id);
    await work.began(later);
    const { epoch } = await seen(two, agent.id);

    one.process.signal("SIGCONT");
    await one.process.waitForLine(/"agentId":"frozen".*"reason":"(superseded|session_lost|heartbeat_timeout)"/, 20_000);
    expect(await seen(two, agent.id)).toMatchObject({ status: "online", epoch });
    work.release();
    await work.settle();
    expect(await fleet.from(two).ended(commandId)).toMatchObject({ status: "completed", attempt: 1 });
    expect(await two.operator.output(commandId)).toBe(counted);

    // And back, to the server that had been frozen.
    await move(agent.id, one);
    const last = await work.queue(agent.id);
    await work.began(last);
    await work.settle();
    await agent.process.stop();
  });
});
