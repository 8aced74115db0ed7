import { randomUUID } from "node:crypto";
import { afterAll, beforeAll, describe, expect, test } from "vitest";
import { rounds } from "../src/config.ts";
import { startFleet, type Fleet } from "../src/fleet.ts";
import { follow } from "../src/follow.ts";
import { startLightFleet, type LightFleetProcess } from "../src/light-fleet/start.ts";
import { startRunaway, type Runaway } from "../src/runaway.ts";
import { storesUnderTest } from "../src/store.ts";

const mebibyte = 2 ** 20;
const samples = rounds(40, 200);

describe.each(storesUnderTest)("one agent that runs away, on %s", (store) => {
  let fleet: Fleet;
  let light: LightFleetProcess;
  const runaways: Runaway[] = [];

  beforeAll(async () => {
    fleet = await startFleet({ store });
    light = startLightFleet();
    const { token } = await fleet.operator.joinToken({ uses: 10, ttlSeconds: 600 });
    const calm = await light.add({ addresses: [fleet.server.grpc], joinToken: token, count: 10, prefix: "calm-" });
    await calm.connected(10);
    await latency(); // warm
  });
  afterAll(async () => {
    for (const runaway of runaways) runaway.close();
    await light.stop();
    await fleet.close();
  });

  async function runaway(id: string): Promise<Runaway> {
    const { token } = await fleet.operator.joinToken({ uses: 1, ttlSeconds: 600 });
    const one = await startRunaway({ address: fleet.server.grpc, joinToken: token, id });
    runaways.push(one);
    return one;
  }

  /** From a request to the result of the other agents' commands, ms: the median. */
  async function latency(): Promise<number> {
    const { url, token } = fleet.server;
    const times: number[] = [];
    for (let n = 0; n < samples; n += 1) {
      const began = performance.now();
      const commandId = await fleet.operator.queue({ agentId: `calm-${n % 10}`, command: "true" });
      expect((await follow(url, token, commandId)).status).toBe("completed");
      times.push(performance.now() - began);
    }
    return times.toSorted((a, b) => a - b)[Math.floor(times.length / 2)] ?? Number.NaN;
  }

  /** What the others feel, and how far the server's memory grows, while `work` goes on. */
  async function during(work: Promise<unknown>): Promise<{ before: number; meanwhile: number; grownMiB: number }> {
    const memory = fleet.server.memory();
    let most = memory;
    const sampler = setInterval(() => (most = Math.max(most, fleet.server.memory())), 100);
    const meanwhile = await latency();
    await work;
    clearInterval(sampler);
    return { before: quiet, meanwhile, grownMiB: (most - memory) / mebibyte };
  }

  let quiet = Number.NaN;
  test("with nobody running away, commands take their usual time", async () => {
    quiet = await latency();
    expect(quiet).toBeGreaterThan(0);
  });

  const end = async (agentId: string): Promise<string> => {
    await expect.poll(() => fleet.operator.agent(agentId), { timeout: 20_000 }).toMatchObject({ status: "offline" });
    return (await fleet.operator.agent(agentId))?.disconnectReason ?? "";
  };

  function expectUnaffected({ before, meanwhile, grownMiB }: Awaited<ReturnType<typeof during>>): void {
    expect(meanwhile, `it was ${before.toFixed(1)} ms before`).toBeLessThan(before * 3 + 50);
    expect(grownMiB).toBeLessThan(100);
  }

  test("a flood of heartbeats slows down nobody else; the agent is dropped, with the reason", async () => {
    const one = await runaway("beats");
    const flooding = one.flood(20_000, (sequence) => ({ heartbeat: { sequence } }));
    expectUnaffected(await during(flooding));
    expect(await end("beats")).toBe("protocol_error");
  });

  test("1,000 messages a second about others' commands change none of them; the agent is dropped", async () => {
    const one = await runaway("liar");
    const commandId = await fleet.operator.queue({ agentId: "calm-0", command: "sleep 15; echo mine" });
    await expect.poll(async () => (await fleet.operator.get(commandId)).startedAt, { timeout: 10_000 }).toBeDefined();
    const data = Buffer.from("forged");
    const flooding = one.flood(1_000, (n) => {
      const run = { commandId: n % 4 === 0 ? commandId : randomUUID(), attempt: 1 };
      const assignNo = (n % 4) + 1;
      if (n % 3 === 0) return { output: { ...run, offset: 0, stream: "STREAM_STDOUT", data } };
      if (n % 3 === 1) return { started: { ...run, assignNo, recorded: true } };
      return { result: { ...run, assignNo, outcome: "OUTCOME_EXITED", exitCode: 7, recorded: true } };
    });
    expectUnaffected(await during(flooding));
    expect(await end("liar")).toBe("protocol_error");
    const view = await fleet.ended(commandId, 30_000);
    expect(view).toMatchObject({ status: "completed", attempt: 1, result: { exitCode: 0, output: "mine\n" } });
    expect(view.lateResult).toBeUndefined();
  });

  test("one that never reads what it is sent is dropped, and what waits for it takes bounded memory", async () => {
    const one = await runaway("deaf");
    one.stopReading();
    const queueing = async (): Promise<void> => {
      for (let n = 0; n < 100; n += 1) {
        await fleet.operator.queue({ agentId: "deaf", command: `true #${"x".repeat(60_000)}` });
      }
      await one.flood(1_000, (sequence) => ({ heartbeat: { sequence } }));
    };
    expectUnaffected(await during(queueing()));
    expect(await end("deaf")).toMatch(/send_queue_full|answer_timeout|protocol_error/);
  });
});
