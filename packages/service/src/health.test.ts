import { afterEach, beforeEach, expect, test, vi } from "vitest";
import { createHealth } from "./health.ts";

beforeEach(() => vi.useFakeTimers());
afterEach(() => vi.useRealTimers());

test("ready when every check passes, and told by name", async () => {
  const health = createHealth();
  health.register("database", async () => {});
  health.register("disk", () => {});
  expect(await health.ready()).toEqual({ ok: true, checks: { database: { ok: true }, disk: { ok: true } } });
});

test("a failed check gives its reason without credentials", async () => {
  const health = createHealth();
  health.register("database", () => Promise.reject(new Error("connect pg://u:hunter2@db failed\nat x")));
  health.register("cache", () => {
    throw new AggregateError([new Error("ECONNREFUSED 127.0.0.1:6379")], "");
  });
  expect(await health.ready()).toEqual({
    ok: false,
    checks: {
      database: { ok: false, reason: "connect pg://u:[redacted]@db failed at x" },
      cache: { ok: false, reason: "ECONNREFUSED 127.0.0.1:6379" },
    },
  });
});

test("a check that hangs fails after two seconds and doesn't hold up the others", async () => {
  const health = createHealth();
  health.register("hanging", () => new Promise<void>(() => {}));
  health.register("good", () => {});
  const answer = health.ready();
  await vi.advanceTimersByTimeAsync(2_000);
  expect((await answer).checks).toEqual({
    hanging: { ok: false, reason: "no answer within 2000 ms" },
    good: { ok: true },
  });
});

test("a gauge is not ready until it says so, and follows what it is told", async () => {
  const health = createHealth();
  const broker = health.gauge("broker", "not connected yet");
  expect((await health.ready()).checks["broker"]).toEqual({ ok: false, reason: "not connected yet" });
  broker.ok();
  expect((await health.ready()).ok).toBe(true);
  broker.fail("connection lost");
  expect((await health.ready()).checks["broker"]).toEqual({ ok: false, reason: "connection lost" });
});

test("not ready once stopping, whatever the checks say", async () => {
  const health = createHealth();
  health.register("database", () => {});
  health.setStopping();
  expect(await health.ready()).toMatchObject({ ok: false, checks: { process: { ok: false, reason: "stopping" } } });
});

test("a name can be taken once", () => {
  const health = createHealth();
  health.register("database", () => {});
  expect(() => health.gauge("database", "x")).toThrow('"database" is registered already');
});

test("a check that is running is not started again by others who ask; the next one to ask starts it anew", async () => {
  const health = createHealth();
  const first = Promise.withResolvers<void>();
  const check = vi.fn<() => Promise<void>>(() => first.promise);
  health.register("database", check);
  const asked = Promise.all([health.ready(), health.ready(), health.ready()]);
  expect(check).toHaveBeenCalledTimes(1);
  first.resolve();
  expect((await asked).map(({ ok }) => ok)).toEqual([true, true, true]);
  await health.ready();
  expect(check).toHaveBeenCalledTimes(2);
});
