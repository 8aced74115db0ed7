import { afterAll, beforeAll, expect, test } from "vitest";
import { startFleet, type Fleet } from "../src/fleet.ts";
import { createWork, type Work } from "../src/work.ts";

let fleet: Fleet;

beforeAll(async () => {
  fleet = await startFleet();
});

afterAll(() => fleet.close());

async function disturb(work: Work, fault: () => Promise<void>): Promise<{ confirmed: number; refused: number }> {
  const agent = await fleet.agent(`db-${Math.random().toString(36).slice(2, 8)}`);
  const held = await work.queueHeld(agent.id);
  await work.began(held);
  const queue = async (count: number): Promise<number[]> =>
    Promise.all(
      Array.from({ length: count }, () =>
        work.queue(agent.id).then(
          () => 1,
          () => 0,
        ),
      ),
    );
  const before = await queue(10);
  const faulty = fault();
  const during = await queue(10);
  work.release();
  await faulty;
  await expect
    .poll(async () => (await fleet.operator.request("GET", "/health/ready")).status, { timeout: 20_000 })
    .toBe(200);
  const after = await queue(10);
  const all = [...before, ...during, ...after];
  const confirmed = all.filter((one) => one === 1).length;
  return { confirmed, refused: all.length - confirmed };
}

test("PostgreSQL restarted: no confirmed command is lost, none runs twice, the server recovers by itself", async () => {
  const work = createWork(fleet, "restart");
  const { confirmed } = await disturb(work, () => fleet.postgres.restart());
  expect(confirmed).toBeGreaterThanOrEqual(20);
  const ends = await work.settle();
  expect(ends).toHaveLength(confirmed + 1);
});

test("PostgreSQL killed -9 and started again: the same", async () => {
  const work = createWork(fleet, "kill9");
  const { confirmed } = await disturb(work, async () => {
    await fleet.postgres.kill9();
    await fleet.postgres.start();
  });
  expect(confirmed).toBeGreaterThanOrEqual(20);
  const ends = await work.settle();
  expect(ends).toHaveLength(confirmed + 1);
});

test("while PostgreSQL is away the server says so: 503 with Retry-After, and not ready with the reason", async () => {
  await fleet.postgres.stop();
  const refused = await fleet.operator.request("POST", "/commands", { agentId: "nobody", type: "PING" });
  expect(refused).toMatchObject({ status: 503, body: { code: "store_unavailable" } });
  const health = await fleet.operator.request("GET", "/health/ready");
  expect(health.status).toBe(503);
  expect(JSON.stringify(health.body)).toMatch(/store|database/);
  expect((await fleet.operator.request("GET", "/health/live")).status).toBe(200);
  await fleet.postgres.start();
  await expect
    .poll(async () => (await fleet.operator.request("GET", "/health/ready")).status, { timeout: 20_000 })
    .toBe(200);
});
