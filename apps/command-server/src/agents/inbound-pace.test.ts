import { afterEach, beforeEach, describe, expect, it, vi } from "vitest";
import { InboundPace } from "./inbound-pace.ts";
import { defaultSessionSettings } from "./session-settings.ts";

function pace(change: Partial<typeof defaultSessionSettings> = {}) {
  const changes: string[] = [];
  const inbound = new InboundPace({
    settings: { ...defaultSessionSettings, ...change },
    clock: { now: () => new Date(), monotonicMs: () => performance.now() },
    pause: () => changes.push("pause"),
    resume: () => changes.push("resume"),
  });
  return { inbound, changes };
}

describe("inbound pace", () => {
  beforeEach(() => {
    vi.useFakeTimers();
  });
  afterEach(() => {
    vi.useRealTimers();
  });

  it("doesn't read while too many reports are on their way, and goes on at half of that", () => {
    const { inbound, changes } = pace({ maxReportsInProcess: 10, maxReportBytesInProcess: 1_000 });
    inbound.settled({ inProcess: 9, bytesInProcess: 0 });
    expect(changes).toEqual([]);
    inbound.settled({ inProcess: 10, bytesInProcess: 0 });
    inbound.settled({ inProcess: 6, bytesInProcess: 0 });
    expect(inbound.reading).toBe(false);
    inbound.settled({ inProcess: 4, bytesInProcess: 0 });
    inbound.settled({ inProcess: 1, bytesInProcess: 1_000 });
    expect(changes).toEqual(["pause", "resume", "pause"]);
  });

  it("reads an agent that sends too fast no faster than allowed, and says when it floods", () => {
    const { inbound, changes } = pace({ maxFramesPerSecond: 100, maxFloodSeconds: 3 });
    let read = 0;
    let answer = "fine";
    while (answer === "fine" && performance.now() < 60_000) {
      if (inbound.reading) {
        answer = inbound.arrived();
        read += 1;
      } else vi.advanceTimersByTime(1_000);
    }
    expect(answer).toBe("flood");
    expect(changes).toEqual(["pause", "resume", "pause", "resume", "pause", "resume"]);
    expect(read).toBeLessThan(600);
  });

  it("leaves an agent alone that keeps to the rate, however long", () => {
    const { inbound, changes } = pace({ maxFramesPerSecond: 100, maxFloodSeconds: 1 });
    for (let frame = 0; frame < 10_000; frame += 1) {
      expect(inbound.arrived()).toBe("fine");
      vi.advanceTimersByTime(10);
    }
    expect(changes).toEqual([]);
  });

  it("counts a frame for as many as it is said to cost", () => {
    const { inbound, changes } = pace({ maxFramesPerSecond: 100 });
    for (let frame = 0; frame < 4; frame += 1) expect(inbound.arrived(50)).toBe("fine");
    expect(changes).toEqual([]);
    inbound.arrived(50);
    expect(changes).toEqual(["pause"]);
  });

  it("forgets a flooded second that stays alone", () => {
    const { inbound } = pace({ maxFramesPerSecond: 10, maxFloodSeconds: 1 });
    for (let burst = 0; burst < 5; burst += 1) {
      for (let frame = 0; frame < 21; frame += 1) expect(inbound.arrived()).toBe("fine");
      vi.advanceTimersByTime(10_000);
    }
  });
});
