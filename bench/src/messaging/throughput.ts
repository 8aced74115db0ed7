import type { Figure } from "../report.ts";
import { alternate, type Compared } from "./compare.ts";
import { rowOf, type Contest } from "./contest.ts";
import * as payloads from "./payload.ts";
import { batchRate, batchSize, consumeRate, publishRate, togetherRate, unconfirmed } from "./rates.ts";
import { prefetch, type Side } from "./side.ts";

const goals = { publish: "≥ 0.85 ×", consume: "≥ 0.8 ×", together: "≥ 0.8 ×" };
export const publishers = `${unconfirmed} loops that each wait for their confirm`;

/** How much goes through: published, consumed, and both at once. */
export async function throughput(contest: Contest): Promise<Figure[]> {
  const { label, ours, bare, quick, rounds, say } = contest;
  const count = quick ? 20_000 : 40_000;
  const conditions = { message: "1 KiB of bytes, persistent", messages: `${count} a round` };
  const row = (name: string, result: Compared, goal: string, more: Figure["conditions"]): Figure =>
    rowOf(contest, { name, result, unit: "1/s", goal, conditions: { ...conditions, ...more } });

  say(`${label}: publish, then consume`);
  const { publish, consume } = await alternate({ rounds, count, ours: inTurn(ours), peer: inTurn(bare) });

  say(`${label}: publish in batches`);
  const batches = await alternate({
    rounds,
    count,
    ours: async (n) => {
      const rate = await batchRate(ours, n, payloads.bytes);
      await ours.purge();
      return { rate };
    },
    peer: async (n) => {
      const rate = await publishRate(bare, n, payloads.bytes);
      await bare.purge();
      return { rate };
    },
  });

  say(`${label}: publish and consume at once`);
  const together = await alternate({ rounds, count, ours: atOnce(ours), peer: atOnce(bare) });

  return [
    row(`publish, ${unconfirmed} unconfirmed`, publish, goals.publish, { publishers }),
    row(`publish in batches of ${batchSize}, ${unconfirmed} unconfirmed`, batches.rate, goals.publish, {
      publishers: `ours: batches, at most ${unconfirmed} messages unconfirmed; peer: ${publishers}`,
    }),
    row(`consume, prefetch ${prefetch}`, consume, goals.consume, { prefetch, concurrency: prefetch }),
    row("publish and consume at once", together.rate, goals.together, { publishers, prefetch, concurrency: prefetch }),
  ];
}

/** JSON instead of bytes: both sides stringify and parse. */
export async function jsonThroughput(contest: Contest): Promise<Figure[]> {
  const { label, ours, bare, rounds, say } = contest;
  const count = 20_000;
  say(`${label}: JSON`);
  const { publish, consume } = await alternate({
    rounds,
    count,
    ours: inTurn(ours, payloads.json),
    peer: inTurn(bare, payloads.json),
  });
  const row = (name: string, result: Compared, more: Figure["conditions"]): Figure =>
    rowOf(contest, {
      name,
      result,
      unit: "1/s",
      goal: null,
      conditions: { message: "1 KiB of JSON, persistent", messages: `${count} a round`, ...more },
    });
  return [
    row(`JSON, publish, ${unconfirmed} unconfirmed`, publish, { publishers }),
    row(`JSON, consume, prefetch ${prefetch}`, consume, { prefetch, concurrency: prefetch }),
  ];
}

/** Publishes, then consumes what was published. */
function inTurn(side: Side, payload: unknown = payloads.bytes) {
  return async (count: number) => ({
    publish: await publishRate(side, count, payload),
    consume: await consumeRate(side, count),
  });
}

function atOnce(side: Side) {
  return async (count: number) => ({ rate: await togetherRate(side, count, payloads.bytes) });
}
