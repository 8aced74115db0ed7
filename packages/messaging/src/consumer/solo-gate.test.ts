import { afterEach, beforeEach, expect, test, vi } from "vitest";
import { createSoloGate } from "./solo-gate.ts";

beforeEach(() => void vi.useFakeTimers());
afterEach(() => void vi.useRealTimers());

test("what comes back waits until nothing runs, and nothing starts beside it", () => {
  const gate = createSoloGate();
  const other = vi.fn<() => void>();
  const again = vi.fn<() => void>();
  expect(gate.enter(other)).toBe(true);
  expect(gate.enterAlone(again, again)).toBe(false);
  expect(gate.enter(other)).toBe(false);
  gate.leave(other);
  expect(again).toHaveBeenCalledOnce();
  expect(gate.enterAlone(again, again)).toBe(true);
  expect(gate.enter(other)).toBe(false);
  gate.leave(again);
  expect(other).toHaveBeenCalledOnce();
  expect(gate.enter(other)).toBe(true);
});

test("several that came back go one after the other, in their order", () => {
  const gate = createSoloGate();
  const [a, b] = [vi.fn<() => void>(), vi.fn<() => void>()];
  expect(gate.enterAlone(a, a)).toBe(true);
  expect(gate.enterAlone(b, b)).toBe(false);
  gate.leave(a);
  expect(b).toHaveBeenCalledOnce();
  expect(gate.enterAlone(b, b)).toBe(true);
  expect(gate.enterAlone(a, a)).toBe(false);
});

test("a long handler is waited for ten seconds, and one that is alone holds others up for half a minute", () => {
  const gate = createSoloGate();
  const [long, again, other] = [vi.fn<() => void>(), vi.fn<() => void>(), vi.fn<() => void>()];
  gate.enter(long);
  gate.enterAlone(again, again);
  vi.advanceTimersByTime(9_999);
  expect(again).not.toHaveBeenCalled();
  vi.advanceTimersByTime(1);
  expect(again).toHaveBeenCalledOnce();
  expect(gate.enterAlone(again, again)).toBe(true);
  expect(gate.enter(other)).toBe(false);
  vi.advanceTimersByTime(30_000);
  expect(other).toHaveBeenCalledOnce();
  expect(gate.enter(other)).toBe(true);
  // The next one's turn isn't ended by the end of the one before.
  const next = vi.fn<() => void>();
  gate.leave(long);
  gate.leave(other);
  expect(gate.enterAlone(next, next)).toBe(false);
  vi.advanceTimersByTime(10_000);
  expect(gate.enterAlone(next, next)).toBe(true);
  gate.leave(again);
  expect(gate.enter(other)).toBe(false);
  gate.leave(next);
  expect(gate.enter(other)).toBe(true);
});

test("who gives up its place lets the next one in", () => {
  const gate = createSoloGate();
  const [running, gone, other] = [vi.fn<() => void>(), vi.fn<() => void>(), vi.fn<() => void>()];
  gate.enter(running);
  gate.enterAlone(gone, gone);
  gate.enter(other);
  gate.forget(gone);
  expect(other).toHaveBeenCalledOnce();
  expect(gate.enter(other)).toBe(true);
});
