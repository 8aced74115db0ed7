import { afterAll, beforeAll, describe, expect, test, vi } from "vitest";
import { createLogger, createMetrics } from "@fleetwire/service";
import { eventually } from "@fleetwire/testbed";
import { createCommandServerMetrics } from "../src/metrics.ts";
import { createRolloutDriver, type DriverSettings, type RolloutDriver } from "../src/rollouts/driver.ts";
import { createRolloutMetrics } from "../src/rollouts/rollout-metrics.ts";
import type { CommandStore } from "../src/store/command-store.ts";
import { enrolMany, newRollout, rollOut, type TestRollout } from "./command-store/rollout-fixture.ts";
import { startStoreBed, type StoreBed } from "./session-store.ts";

let bed: StoreBed;
beforeAll(async () => {
  bed = await startStoreBed();
});
afterAll(() => bed.close());

interface Driven {
  store: CommandStore;
  driver: RolloutDriver;
  log: Record<string, unknown>[];
  metric: (name: string, labels?: Record<string, string>) => Promise<number>;
}

/** A driver on a store of its own; without `intervalMs` its safety net never comes. */
async function drive(settings: Partial<DriverSettings> = {}, on?: CommandStore): Promise<Driven> {
  const store = on ?? (await bed.open()).store;
  const log: Record<string, unknown>[] = [];
  const registry = createMetrics({ service: "command-server" });
  const commands = createCommandServerMetrics(registry, { store, openStreams: () => 0 });
  const driver = createRolloutDriver({
    store,
    log: createLogger({
      service: "command-server",
      level: "info",
      destination: { write: (line: string) => void log.push(JSON.parse(line)) },
    }),
    metrics: createRolloutMetrics(registry, commands),
    settings: { intervalMs: 3_600_000, ...settings },
  });
  return {
    store,
    driver,
    log,
    async metric(name, labels = {}) {
      const found = await registry.getSingleMetric(name)?.get();
      const matches = ({ labels: of }: { labels: object }) =>
        Object.entries(labels).every(([key, label]) => Reflect.get(of, key) === label);
      return found?.values.find(matches)?.value ?? 0;
    },
  };
}

function reaches(rollout: TestRollout, expected: Partial<Record<string, number>>, status = "running") {
  return eventually(
    async () => {
      const now = await rollout.now();
      const counts = Object.entries(now.counts).filter(([name]) => name in expected);
      return now.status === status && counts.every(([name, count]) => expected[name] === count);
    },
    { deadlineMs: 10_000, what: `${status} ${JSON.stringify(expected)}` },
  );
}

describe("the driver", () => {
  test("queues what began on this server at once, in steps, and counts it", async () => {
    const { store, driver, metric } = await drive({ stepSize: 2 });
    const advance = vi.spyOn(store, "advanceRollout");
    driver.start();
    const rollout = await rollOut(store, await enrolMany(store, 5, { connect: false }));
    driver.begun(rollout.rolloutId);
    await reaches(rollout, { pending: 0, queued: 5 });
    expect(advance.mock.calls.map(([, limit]) => limit)).toEqual([2, 2, 2]);
    expect(await metric("rollouts_started_total")).toBe(1);
    expect(await metric("commands_queued_total", { type: "SHELL" })).toBe(5);
    await driver.stop();
  });

  test("goes on when a command ended on this server, and says once how it ended", async () => {
    const { store, driver, log, metric } = await drive();
    driver.start();
    const rollout = await rollOut(store, await enrolMany(store, 3), { maxConcurrency: 1 });
    driver.begun(rollout.rolloutId);
    for (const target of rollout.agents.keys()) {
      await reaches(rollout, { queued: 1, completed: target });
      await rollout.end(target);
    }
    await reaches(rollout, { completed: 3 }, "completed");
    await eventually(() => log.some(({ msg }) => msg === "rollout ended"), { deadlineMs: 5_000 });
    const { rolloutId, companyId } = rollout;
    const said = log.filter(({ msg }) => msg === "rollout ended");
    expect(said).toMatchObject([{ rolloutId, companyId, status: "completed", completed: 3, errors: 0 }]);
    expect(await metric("rollouts_ended_total", { status: "completed" })).toBe(1);
    await driver.stop();
  });

  test("goes on when a command ended on another server", async () => {
    const { store, driver } = await drive();
    const { store: other } = await bed.open();
    driver.start();
    const agents = await enrolMany(other, 2);
    const rollout = await rollOut(other, agents, { maxErrors: 0 });
    driver.begun(rollout.rolloutId);
    await reaches(rollout, { queued: 2 });
    await rollout.end(0, { exitCode: 1 });
    expect(await reaches(rollout, { failed: 1, cancelled: 1 }, "halted")).toBe(true);
    await driver.stop();
    await store.close();
  });

  test("finds by its safety net what began elsewhere, or before it was started", async () => {
    const { store, driver, metric } = await drive({ intervalMs: 20 });
    const before = await rollOut(store, await enrolMany(store, 2));
    driver.start();
    await reaches(before, { queued: 2 });
    const elsewhere = await rollOut((await bed.open()).store, await enrolMany(store, 2));
    await reaches(elsewhere, { queued: 2 });
    const counted = eventually(async () => (await metric("rollouts_active")) >= 2, { deadlineMs: 5_000 });
    await expect(counted).resolves.toBe(true);
    await driver.stop();
  });

  test("takes rollouts in turn, so that a large one doesn't hold up the others", async () => {
    const { store, driver } = await drive({ stepSize: 1 });
    const advanced: string[] = [];
    const advance = store.advanceRollout.bind(store);
    vi.spyOn(store, "advanceRollout").mockImplementation((rolloutId, limit) => {
      advanced.push(rolloutId);
      return advance(rolloutId, limit);
    });
    const large = await rollOut(store, await enrolMany(store, 6, { connect: false }));
    const small = await rollOut(store, await enrolMany(store, 2, { connect: false }));
    driver.begun(large.rolloutId);
    driver.begun(small.rolloutId);
    driver.start();
    await reaches(large, { queued: 6 });
    const [first, second] = [large, small].map(({ rolloutId }) => rolloutId);
    expect(advanced.filter((id) => id === first || id === second).slice(0, 4)).toEqual([first, second, first, second]);
    await driver.stop();
  });

  test("listens to the feed only while a rollout runs", async () => {
    const own = await startStoreBed();
    const { store, driver } = await drive({ intervalMs: 20 }, (await own.open()).store);
    let listening = 0;
    const onFeed = store.onFeed.bind(store);
    vi.spyOn(store, "onFeed").mockImplementation((listener) => {
      listening += 1;
      const off = onFeed(listener);
      return () => {
        listening -= 1;
        off();
      };
    });
    driver.start();
    const rollout = await rollOut(store, await enrolMany(store, 1));
    expect(listening).toBe(0);
    driver.begun(rollout.rolloutId);
    expect(listening).toBe(1);
    await reaches(rollout, { queued: 1 });
    await rollout.end(0);
    await reaches(rollout, { completed: 1 }, "completed");
    await eventually(() => listening === 0, { deadlineMs: 5_000 });
    await driver.stop();
    await own.close();
  });

  test("gets over an outage of the store, and says so once", async () => {
    const { store, driver, log } = await drive({ intervalMs: 20 });
    driver.start();
    await bed.postgres.kill9();
    await eventually(() => log.some(({ msg }) => msg === "rollouts can't be moved on; trying on"), {
      deadlineMs: 10_000,
    });
    await bed.postgres.start();
    await eventually(() => store.ping().then(() => true), { deadlineMs: 10_000 });
    const rollout = await rollOut(store, await enrolMany(store, 1));
    await reaches(rollout, { queued: 1 });
    expect(log.filter(({ level }) => level === "warn")).toHaveLength(1);
    await driver.stop();
  });

  test("does nothing more once it has stopped", async () => {
    const { store, driver } = await drive({ intervalMs: 20 });
    driver.start();
    await driver.stop();
    const advance = vi.spyOn(store, "advanceRollout");
    const look = vi.spyOn(store, "activeRollouts");
    const given = newRollout("acme", ["agent"]);
    await store.createRollout(given);
    driver.begun(given.rolloutId);
    await store.feedEnd();
    expect([advance.mock.calls, look.mock.calls]).toEqual([[], []]);
  });
});
