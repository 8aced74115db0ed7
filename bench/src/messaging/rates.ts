import { setTimeout as sleep } from "node:timers/promises";
import type { OurSide, Side } from "./side.ts";

/** Publishes that wait for their confirm. */
export const unconfirmed = 256;
export const batchSize = 100;
// More than `unconfirmed` together: a batch waits for the window, as the provider has it, and not for the one before.
const batches = 4;
const deadlineMs = 120_000;

/** Messages per second that are confirmed; so many then wait in the queue. */
export async function publishRate(side: Side, count: number, payload: unknown): Promise<number> {
  await expectWaiting(side, 0);
  const began = performance.now();
  await inTime(side, publishAll(side, count, payload));
  const rate = perSecond(count, performance.now() - began);
  await expectWaiting(side, count);
  return rate;
}

/** The same in batches of 100. */
export async function batchRate(side: OurSide, count: number, payload: unknown): Promise<number> {
  await expectWaiting(side, 0);
  const batch = Array.from({ length: batchSize }, () => payload);
  const began = performance.now();
  await inTime(
    side,
    repeat(count / batchSize, batches, () => side.publishBatch(batch)),
  );
  const rate = perSecond(count, performance.now() - began);
  await expectWaiting(side, count);
  return rate;
}

/** Messages per second that are handled, from the first to the last of `count` that wait. */
export async function consumeRate(side: Side, count: number): Promise<number> {
  await expectWaiting(side, count);
  const tally = createTally(count);
  const consumer = await side.consume(tally.take);
  await inTime(side, tally.all);
  await consumer.close();
  await tally.expectExactly(side);
  return perSecond(count, tally.lastAt - tally.firstAt);
}

/** Messages per second that are published while a consumer runs, until all are confirmed and handled. */
export async function togetherRate(side: Side, count: number, payload: unknown): Promise<number> {
  await expectWaiting(side, 0);
  const tally = createTally(count);
  const consumer = await side.consume(tally.take);
  const began = performance.now();
  await inTime(side, Promise.all([publishAll(side, count, payload), tally.all]));
  const rate = perSecond(count, performance.now() - began);
  await consumer.close();
  await tally.expectExactly(side);
  return rate;
}

function publishAll(side: Side, count: number, payload: unknown): Promise<void> {
  return repeat(count, unconfirmed, () => side.publish(payload));
}

/** Does it `count` times, `width` at a time; rejects with the first failure. */
async function repeat(count: number, width: number, work: () => Promise<void>): Promise<void> {
  let begun = 0;
  const loop = async (): Promise<void> => {
    while (begun < count) {
      begun += 1;
      await work();
    }
  };
  await Promise.all(Array.from({ length: width }, loop));
}

/** Counts deliveries. */
export function createTally(count: number) {
  const { promise: all, resolve } = Promise.withResolvers<void>();
  const tally = {
    all,
    handled: 0,
    firstAt: Number.NaN,
    lastAt: Number.NaN,
    take: (): void => {
      tally.handled += 1;
      if (tally.handled === 1) tally.firstAt = performance.now();
      if (tally.handled !== count) return;
      tally.lastAt = performance.now();
      resolve();
    },
    /** After the end: each message came once, and none is left. */
    expectExactly: async (side: Side): Promise<void> => {
      if (tally.handled !== count)
        throw new Error(`${side.name}: ${tally.handled} deliveries were handled, expected ${count}`);
      await expectWaiting(side, 0);
    },
  };
  return tally;
}

/** That the queue holds so many. A quorum queue may tell a moment late. */
async function expectWaiting(side: Side, count: number): Promise<void> {
  let waiting = await side.waiting();
  for (let tries = 1; waiting !== count && tries < 100; tries++) {
    await sleep(50);
    waiting = await side.waiting();
  }
  if (waiting !== count) throw new Error(`${side.name}: ${waiting} messages wait in the queue, expected ${count}`);
}

/** A broker that blocks publishers never answers. */
export async function inTime<T>(side: Side, work: Promise<T>): Promise<T> {
  const { promise: late, reject } = Promise.withResolvers<never>();
  const timer = setTimeout(() => reject(new Error(`${side.name}: not done within ${deadlineMs} ms`)), deadlineMs);
  try {
    return await Promise.race([work, late]);
  } finally {
    clearTimeout(timer);
  }
}

function perSecond(count: number, ms: number): number {
  return (count * 1_000) / ms;
}
