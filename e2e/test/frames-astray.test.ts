import { afterAll, beforeAll, expect, test } from "vitest";
import { rounds } from "../src/config.ts";
import { startFleet, type Fleet } from "../src/fleet.ts";
import { startFrameProxy } from "../src/frame-proxy.ts";
import { createWork } from "../src/work.ts";

let fleet: Fleet;

beforeAll(async () => {
  fleet = await startFleet();
});

afterAll(() => fleet.close());

test("with 10 % of the frames duplicated and 10 % reordered, every command runs once and its output is whole", async () => {
  const seed = Math.floor(Math.random() * 2 ** 31);
  const proxy = await startFrameProxy(fleet.server.grpc, { duplicate: 0.1, reorder: 0.1 }, seed);
  const agent = await fleet.agent("astray", { server: proxy.address, args: ["--concurrency", "4"] });
  const work = createWork(fleet);
  await Promise.all(Array.from({ length: rounds(150, 1_000) }, () => work.queue(agent.id)));
  const talkative = await fleet.operator.queue({
    agentId: agent.id,
    command: "for i in $(seq 1 200); do echo line $i; sleep 0.005; done",
  });

  await work.settle();
  const wanted = Array.from({ length: 200 }, (_, i) => `line ${i + 1}\n`).join("");
  expect((await fleet.ended(talkative)).result?.output, `seed ${seed}`).toBe(wanted);
  expect(proxy.counts.duplicated, `seed ${seed}`).toBeGreaterThan(10);
  expect(proxy.counts.reordered, `seed ${seed}`).toBeGreaterThan(10);
  proxy.close();
});
