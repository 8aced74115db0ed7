import { afterAll, beforeAll, describe, expect, test } from "vitest";
import { startFleet, type Fleet } from "../src/fleet.ts";
import { storesUnderTest } from "../src/store.ts";
import { createWork, type Work } from "../src/work.ts";

describe.each(storesUnderTest)("faults of the store: %s", (store) => {
  let fleet: Fleet;

  beforeAll(async () => {
    fleet = await startFleet({ store });
  }, 300_000);

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

  test("restarted: no confirmed command is lost, none runs twice, the server recovers by itself", async () => {
    const work = createWork(fleet, "restart");
    const { confirmed } = await disturb(work, () => fleet.store.server.restart());
    expect(confirmed).toBeGreaterThanOrEqual(20);
    const ends = await work.settle();
    expect(ends).toHaveLength(confirmed + 1);
  });

  test("killed -9 and started again: the same", async () => {
    const work = createWork(fleet, "kill9");
    const { confirmed } = await disturb(work, async () => {
      await fleet.store.server.kill9();
      await fleet.store.server.start();
    });
    expect(confirmed).toBeGreaterThanOrEqual(20);
    const ends = await work.settle();
    expect(ends).toHaveLength(confirmed + 1);
  });

  test("while it is away the server says so: 503 with Retry-After, and not ready with the reason", async () => {
    await fleet.store.server.stop();
    const refused = await fleet.operator.request("POST", "/commands", { agentId: "nobody", type: "PING" });
    expect(refused).toMatchObject({ status: 503, body: { code: "store_unavailable" } });
    const health = await fleet.operator.request("GET", "/health/ready");
    expect(health.status).toBe(503);
    expect(JSON.stringify(health.body)).toMatch(/store|database/);
    expect((await fleet.operator.request("GET", "/health/live")).status).toBe(200);
    await fleet.store.server.start();
    await expect
      .poll(async () => (await fleet.operator.request("GET", "/health/ready")).status, { timeout: 20_000 })
      .toBe(200);
  });
});
