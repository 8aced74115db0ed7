import { expect, test } from "vitest";
import { createStoreTime } from "./store-time.ts";

function fakeClocks(aheadMs: number) {
  let monotonicMs = 5_000;
  let asked = 0;
  const storeMs = (): number => 1_000_000_000_000 + monotonicMs;
  const clock = { now: () => new Date(storeMs() + aheadMs), monotonicMs: () => monotonicMs };
  const store = {
    time: async () => {
      asked += 1;
      monotonicMs += 10;
      const time = new Date(storeMs());
      monotonicMs += 10;
      return time;
    },
  };
  return { clock, store, storeMs, pass: (ms: number) => void (monotonicMs += ms), asked: () => asked };
}

test.each([-600_000, 0, 600_000])("a clock that is %s ms off makes no difference", async (aheadMs) => {
  const clocks = fakeClocks(aheadMs);
  const time = createStoreTime(clocks.store, clocks.clock);
  expect((await time()).getTime()).toBe(clocks.storeMs());
  clocks.pass(29_000);
  expect((await time()).getTime()).toBe(clocks.storeMs());
  expect(clocks.asked()).toBe(1);
  clocks.pass(2_000);
  expect((await time()).getTime()).toBe(clocks.storeMs());
  expect(clocks.asked()).toBe(2);
});

test("those who ask at once share one question, and one that failed is asked again", async () => {
  const clocks = fakeClocks(0);
  let fail = true;
  const time = createStoreTime(
    { time: () => (fail ? Promise.reject(new Error("out of reach")) : clocks.store.time()) },
    clocks.clock,
  );
  await expect(time()).rejects.toThrow("out of reach");
  fail = false;
  await Promise.all([time(), time(), time()]);
  expect(clocks.asked()).toBe(1);
});
