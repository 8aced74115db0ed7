import { setTimeout as sleep } from "node:timers/promises";
import { figure, quantile, type Figure } from "../report.ts";
import { compared } from "./compare.ts";
import { rowOf, type Contest } from "./contest.ts";
import { bytes } from "./payload.ts";
import { createTally, inTime } from "./rates.ts";
import { prefetch, type Side } from "./side.ts";

// What a message leaves behind (its acknowledgement, the broker's bookkeeping) mustn't meet the next one.
const pauseMs = 2;
const warmUp = 30;

/** One message at a time: from the call of publish to the handler's start. Ours and bare take turns message by message. */
export async function idle(contest: Contest): Promise<Figure[]> {
  const { label, ours, bare, quick, rounds, say } = contest;
  const samples = quick ? 500 : 1_000;
  say(`${label}: one message at a time`);
  const p50: { ours: number; peer: number }[] = [];
  const p99: typeof p50 = [];
  for (let round = 1; round <= rounds; round++) {
    const measured = await takeTurns(ours, bare, samples, round % 2 === 1);
    p50.push({ ours: quantile(measured.ours, 0.5), peer: quantile(measured.peer, 0.5) });
    p99.push({ ours: quantile(measured.ours, 0.99), peer: quantile(measured.peer, 0.99) });
  }
  const conditions = {
    message: "1 KiB of bytes, persistent",
    messages: `${samples} a round, one at a time, ${pauseMs} ms between two`,
    prefetch,
  };
  const row = (name: string, result: ReturnType<typeof compared>) =>
    rowOf(contest, { name, result, unit: "ms", goal: null, conditions });
  return [
    row("idle, publish → handler, p50", compared(p50)),
    figure({
      figure: `${label}: idle, publish → handler, p50, ours - bare`,
      ours: compared(p50).difference,
      unit: "ms",
      goal: "≤ 0.3",
      conditions: { ...contest.conditions, ...conditions },
    }),
    row("idle, publish → handler, p99", compared(p99)),
  ];
}

/** Latencies in milliseconds. */
async function takeTurns(ours: Side, peer: Side, samples: number, oursFirst: boolean) {
  const [first, second] = oursFirst ? [ours, peer] : [peer, ours];
  const one = await listen(first, samples);
  const other = await listen(second, samples);
  const latencies: { one: number[]; other: number[] } = { one: [], other: [] };
  for (let n = -warmUp; n < samples; n++) {
    const sample = { one: await one.sample(), other: await other.sample() };
    if (n < 0) continue;
    latencies.one.push(sample.one);
    latencies.other.push(sample.other);
  }
  await one.close();
  await other.close();
  return oursFirst ? { ours: latencies.one, peer: latencies.other } : { ours: latencies.other, peer: latencies.one };
}

async function listen(side: Side, samples: number) {
  const tally = createTally(samples + warmUp);
  let arrived: ((at: number) => void) | undefined;
  const consumer = await side.consume(() => {
    arrived?.(performance.now());
    tally.take();
  });
  return {
    sample: async (): Promise<number> => {
      const { promise, resolve } = Promise.withResolvers<number>();
      arrived = resolve;
      const began = performance.now();
      const [at] = await inTime(side, Promise.all([promise, side.publish(bytes)]));
      await sleep(pauseMs);
      return at - began;
    },
    close: async (): Promise<void> => {
      await consumer.close();
      await tally.expectExactly(side);
    },
  };
}
