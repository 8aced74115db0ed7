import { afterEach, beforeEach, describe, expect, it, vi } from "vitest";
import { FixedDelay } from "./fixed-delay.ts";

const clock = { now: () => new Date(), monotonicMs: () => performance.now() };

describe("FixedDelay", () => {
  beforeEach(() => {
    vi.useFakeTimers();
  });
  afterEach(() => {
    vi.useRealTimers();
  });

  it("calls for each item its delay after it was added, and not for those that were deleted", () => {
    const due: string[] = [];
    const delays = new FixedDelay<string>(100, clock, (item) => due.push(item));
    delays.add("a");
    vi.advanceTimersByTime(60);
    delays.add("b");
    delays.add("c");
    expect(delays.delete("b")).toBe(true);
    vi.advanceTimersByTime(40);
    expect(due).toEqual(["a"]);
    vi.advanceTimersByTime(59);
    expect(due).toEqual(["a"]);
    vi.advanceTimersByTime(1);
    expect(due).toEqual(["a", "c"]);
    expect(delays.size).toBe(0);
  });

  it("begins anew for an item that is added again", () => {
    const due: string[] = [];
    const delays = new FixedDelay<string>(100, clock, (item) => due.push(item));
    delays.add("a");
    vi.advanceTimersByTime(80);
    delays.add("a");
    vi.advanceTimersByTime(80);
    expect(due).toEqual([]);
    vi.advanceTimersByTime(20);
    expect(due).toEqual(["a"]);
  });

  it("serves any number of items with one timer, and leaves none when closed", () => {
    const delays = new FixedDelay<number>(100, clock, () => {});
    for (let item = 0; item < 1_000; item += 1) delays.add(item);
    expect(vi.getTimerCount()).toBe(1);
    delays.close();
    expect(vi.getTimerCount()).toBe(0);
  });
});
