import { afterEach, beforeEach, expect, test, vi } from "vitest";
import { createHeartbeat } from "./heartbeat.ts";
import type { Load } from "./session.ts";

beforeEach(() => {
  vi.useFakeTimers();
});
afterEach(() => {
  vi.useRealTimers();
});

/** A heartbeat of 10 s, and when it beat with what. */
function start() {
  const load: Load = { occupancy: "idle", running: 0, load1: 0, freeMemoryBytes: 0 };
  const beats: [atMs: number, running: number][] = [];
  const silences: number[] = [];
  let stoodStillMs = 0;
  const beganMs = Date.now();
  const heartbeat = createHeartbeat({
    welcome: { heartbeatIntervalMs: 10_000, heartbeatTimeoutMs: 30_000 },
    clock: { now: () => new Date(), monotonicMs: () => Date.now() + stoodStillMs },
    load: () => ({ ...load }),
    send({ heartbeat: beat }) {
      beats.push([Date.now() - beganMs, Number(beat?.running)]);
      return Promise.resolve(true);
    },
    onSilence: () => silences.push(Date.now() - beganMs),
  });
  const become = (occupancy: Load["occupancy"], running: number): void => {
    Object.assign(load, { occupancy, running });
    heartbeat.loadChanged();
  };
  const standStill = (ms: number): void => {
    stoodStillMs += ms;
  };
  return { beats, silences, become, standStill, stop: () => heartbeat.stop() };
}

test("an agent that becomes busy, full or idle says so soon, and not only with the next beat", async () => {
  const { beats, become, stop } = start();
  await vi.advanceTimersByTimeAsync(3_000);
  become("busy", 1);
  await vi.advanceTimersByTimeAsync(2_000);
  become("full", 4);
  await vi.advanceTimersByTimeAsync(2_000);
  become("busy", 3);
  await vi.advanceTimersByTimeAsync(2_000);
  become("idle", 0);
  await vi.advanceTimersByTimeAsync(500);
  expect(beats).toEqual([
    [0, 0],
    [3_200, 1],
    [5_200, 4],
    [7_200, 3],
    [9_200, 0],
  ]);
  stop();
});

test("what is over at once isn't told, and one more command of several isn't either", async () => {
  const { beats, become, stop } = start();
  await vi.advanceTimersByTimeAsync(2_000);
  become("busy", 1);
  await vi.advanceTimersByTimeAsync(50);
  become("idle", 0);
  await vi.advanceTimersByTimeAsync(2_000);
  become("busy", 1);
  await vi.advanceTimersByTimeAsync(1_000);
  become("busy", 2);
  await vi.advanceTimersByTimeAsync(1_000);
  expect(beats).toEqual([
    [0, 0],
    [4_250, 1],
  ]);
  stop();
});

test("however often it changes, beats are a second apart", async () => {
  const { beats, become, stop } = start();
  for (let n = 0; n < 60; n += 1) {
    become(n % 2 ? "idle" : "full", n % 2 ? 0 : 4);
    await vi.advanceTimersByTimeAsync(150);
  }
  expect(beats.length).toBeLessThanOrEqual(11);
  const gaps = beats.slice(1).map(([atMs], n) => atMs - (beats[n]?.[0] ?? 0));
  expect(Math.min(...gaps)).toBeGreaterThanOrEqual(1_000);
  stop();
});

test("nothing is said after its end", async () => {
  const { beats, become, stop } = start();
  become("full", 4);
  stop();
  await vi.advanceTimersByTimeAsync(60_000);
  expect(beats).toEqual([[0, 0]]);
});

test("a server that is silent for the timeout is given up; the time in which this process stood still doesn't count", async () => {
  const { silences, standStill, stop } = start();
  await vi.advanceTimersByTimeAsync(10_000);
  standStill(120_000);
  await vi.advanceTimersByTimeAsync(15_000);
  expect(silences).toEqual([]);
  await vi.advanceTimersByTimeAsync(15_000);
  expect(silences.length).toBeGreaterThan(0);
  stop();
});
