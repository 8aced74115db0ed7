import { eventually } from "@fleetwire/testbed";
import { afterAll, beforeAll, expect, test } from "vitest";
import { rounds } from "../src/config.ts";
import { startFleet, type Fleet } from "../src/fleet.ts";
import { createWork } from "../src/work.ts";

let fleet: Fleet;

beforeAll(async () => {
  fleet = await startFleet();
});

afterAll(() => fleet.close());

test("a server killed -9 with commands queued, assigned and running loses none and runs none twice", async () => {
  const work = createWork(fleet);
  const agent = await fleet.agent("survivor", { args: ["--concurrency", "2"] });
  await fleet.agent("absent").then((absent) => absent.process.kill9Group());

  const running = [await work.queueHeld(agent.id), await work.queueHeld(agent.id)];
  for (const piece of running) await work.began(piece);
  const queued = await Promise.all(Array.from({ length: 20 }, () => work.queue(agent.id)));
  const offline = await Promise.all(Array.from({ length: 5 }, () => work.queue("absent")));

  await fleet.server.process.kill9();
  work.release();
  await eventually(() => running.every((piece) => work.effects(piece) === 1), {
    deadlineMs: 5_000,
    what: "the running ones to end",
  });
  await fleet.server.restart();

  const views = await Promise.all([...running, ...queued].map((piece) => fleet.ended(piece.commandId ?? "", 40_000)));
  expect(views.map((view) => view.status)).toEqual(views.map(() => "completed"));
  for (const piece of offline) {
    expect((await fleet.operator.get(piece.commandId ?? "")).status).toBe("queued");
    await fleet.operator.cancel(piece.commandId ?? "");
  }
  await work.settle(["cancelled"]);
});

test("a server killed -9 over and over while commands stream in loses no confirmed command", async () => {
  const work = createWork(fleet, "stream");
  const agent = await fleet.agent("steady", { args: ["--concurrency", "4"] });
  const count = rounds(3, 30);
  let unconfirmed = 0;
  for (let round = 0; round < count; round++) {
    const burst = Array.from({ length: 30 }, () => work.queue(agent.id).catch(() => void (unconfirmed += 1)));
    // In the middle of the burst: some are confirmed, some assigned, some running.
    await burst[5];
    await fleet.server.process.kill9();
    await Promise.all(burst);
    await fleet.server.restart();
  }
  const ends = await work.settle();
  expect(ends.length + unconfirmed).toBe(30 * count);
  expect(ends.length).toBeGreaterThan(5 * count);
});
