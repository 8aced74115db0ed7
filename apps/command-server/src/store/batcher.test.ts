import { describe, expect, it, vi } from "vitest";
import { createBatcher } from "./batcher.ts";

/** A `run` whose flights land when the test says so. */
function flights() {
  const started: { items: readonly number[]; land(): void; crash(error: Error): void }[] = [];
  const run = (items: readonly number[]): Promise<number[]> => {
    const { promise, resolve, reject } = Promise.withResolvers<number[]>();
    started.push({ items, land: () => resolve(items.map((item) => item * 10)), crash: reject });
    return promise;
  };
  const until = (count: number) => vi.waitFor(() => expect(started).toHaveLength(count), { interval: 1 });
  return { started, run, until };
}

const shared = new Error("concerns all");
const concernsAll = (error: unknown) => error === shared;

describe("the batcher", () => {
  it("sends the calls of one turn together, at once, and answers each by itself", async () => {
    const { started, run, until } = flights();
    const call = createBatcher({ run, concernsAll });
    const answers = [1, 2, 3].map(call);
    await until(1);
    expect(started[0]?.items).toEqual([1, 2, 3]);
    started[0]?.land();
    expect(await Promise.all(answers)).toEqual([10, 20, 30]);
  });

  it("collects what arrives during a flight, and sends it when that lands", async () => {
    const { started, run, until } = flights();
    const call = createBatcher({ run, concernsAll });
    const first = call(1);
    await until(1);
    const rest = [2, 3].map(call);
    started[0]?.land();
    await first;
    await until(2);
    expect(started[1]?.items).toEqual([2, 3]);
    started[1]?.land();
    expect(await Promise.all(rest)).toEqual([20, 30]);
  });

  it("sends a second flight before the first lands only when it is full, and never a third", async () => {
    const { started, run, until } = flights();
    const call = createBatcher({ run, concernsAll, maxItems: 2 });
    const answers = [call(1)];
    await until(1);
    answers.push(...[2, 3, 4, 5, 6].map(call));
    await until(2);
    expect(started[1]?.items).toEqual([2, 3]);
    started[1]?.land();
    await until(3);
    expect(started[2]?.items).toEqual([4, 5]);
    started[0]?.land();
    started[2]?.land();
    await until(4);
    started[3]?.land();
    expect(await Promise.all(answers)).toEqual([10, 20, 30, 40, 50, 60]);
  });

  it("keeps items with a key in common apart, and batches within the size", async () => {
    const seen: (readonly number[])[] = [];
    const run = (items: readonly number[]) => Promise.resolve((seen.push(items), [...items]));
    const byKey = createBatcher({ run, concernsAll, keysOf: (item: number) => [String(item % 3)] });
    await Promise.all([0, 3, 1, 6, 4].map(byKey));
    expect(seen).toEqual([[0, 1], [3, 4], [6]]);
    seen.length = 0;
    const bySize = createBatcher({ run, concernsAll, sizeOf: (item: number) => item, maxSize: 10 });
    await Promise.all([4, 6, 1, 50, 2].map(bySize));
    expect(seen).toEqual([[4, 6], [1], [50], [2]]);
  });

  it("finds the item that makes a batch fail, and spares its neighbours", async () => {
    const call = createBatcher<number, number>({
      run: (items) => (items.includes(2) ? Promise.reject(new Error("bad row")) : Promise.resolve([...items])),
      concernsAll,
    });
    const answers = await Promise.allSettled([1, 2, 3].map(call));
    expect(answers.map(({ status }) => status)).toEqual(["fulfilled", "rejected", "fulfilled"]);
  });

  it("fails all of a batch by what concerns all, without trying them one by one", async () => {
    const run = vi.fn<() => Promise<number[]>>(() => Promise.reject(shared));
    const call = createBatcher({ run, concernsAll });
    const answers = await Promise.allSettled([1, 2, 3].map(call));
    expect(answers.every(({ status }) => status === "rejected")).toBe(true);
    expect(run).toHaveBeenCalledTimes(1);
  });

  it.each([false, true])(
    "goes on after a failure; where order matters (%s), what waited fails with it",
    async (failWaiting) => {
      const { started, run, until } = flights();
      const call = createBatcher({ run, concernsAll, failWaiting, maxInFlight: 1 });
      const first = call(1);
      await until(1);
      const second = call(2).catch((error: unknown) => error);
      started[0]?.crash(shared);
      await expect(first).rejects.toBe(shared);
      const third = call(3);
      await until(2);
      expect(started[1]?.items).toEqual(failWaiting ? [3] : [2, 3]);
      started[1]?.land();
      expect(await third).toBe(30);
      expect(await second).toBe(failWaiting ? shared : 20);
    },
  );
});
