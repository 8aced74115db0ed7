import { afterAll, beforeAll, expect, test } from "vitest";
import { rounds } from "../src/config.ts";
import { startFleet, type Fleet } from "../src/fleet.ts";
import { createWork } from "../src/work.ts";

let fleet: Fleet;

beforeAll(async () => {
  fleet = await startFleet();
});

afterAll(() => fleet.close());

test("an agent killed -9 before execution runs the command once, after it is back", async () => {
  const work = createWork(fleet, "before");
  const agent = await fleet.agent("before");
  await agent.process.kill9Group();
  const piece = await work.queue(agent.id);
  await agent.restart();
  const [end] = await work.settle();
  expect(end?.status).toBe("completed");
  expect(work.effects(piece)).toBe(1);
});

test("an agent killed -9 during execution reports the command as interrupted and never runs it again", async () => {
  const work = createWork(fleet, "during");
  const agent = await fleet.agent("during");
  const piece = await work.queueHeld(agent.id);
  await work.began(piece);
  await agent.process.kill9();
  await agent.restart();
  const [end] = await work.settle(["failed:interrupted"]);
  expect(end).toMatchObject({ status: "failed", attempt: 1, result: { error: "interrupted" } });
  expect(work.effects(piece)).toBe(1);
});

test("with a retry policy an interrupted command runs again as attempt 2", async () => {
  const work = createWork(fleet, "retried");
  const agent = await fleet.agent("retried");
  const piece = await work.queueHeld(agent.id, { retry: { maxAttempts: 2 } });
  await work.began(piece);
  await agent.process.kill9();
  work.release();
  await agent.restart();
  const end = await fleet.ended(piece.commandId ?? "");
  expect(end).toMatchObject({ status: "completed", attempt: 2 });
  expect(work.effects(piece)).toBe(2);
});

test("an agent killed -9 after execution, its result unsent, delivers the stored result when it is back", async () => {
  const work = createWork(fleet, "after");
  const agent = await fleet.agent("after");
  const piece = await work.queueHeld(agent.id);
  await work.began(piece);
  await fleet.server.process.kill9();
  work.release();
  // The agent says so when the end is in its ledger; nobody is there to be told.
  await agent.process.waitForLine(/run ended/, 10_000);
  await agent.process.kill9Group();
  await fleet.server.restart();
  await agent.restart();
  const [end] = await work.settle();
  expect(end).toMatchObject({ status: "completed", attempt: 1, result: { exitCode: 0 } });
});

test("an agent killed -9 over and over under load loses nothing and runs nothing twice", async () => {
  const work = createWork(fleet, "storm");
  const agent = await fleet.agent("storm", { args: ["--concurrency", "4"] });
  for (let round = 0; round < rounds(4, 40); round++) {
    const burst = await Promise.all(Array.from({ length: 15 }, () => work.queue(agent.id)));
    await work.began(burst[3] ?? burst[0]!);
    await agent.process.kill9Group();
    await agent.restart();
  }
  await work.settle(["failed:interrupted"]);
});
