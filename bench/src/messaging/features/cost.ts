import type { Figure } from "../../report.ts";
import { alternate } from "../compare.ts";
import { rowOf, type Contest } from "../contest.ts";
import { bytes } from "../payload.ts";
import { togetherRate } from "../rates.ts";
import type { Side } from "../side.ts";
import { publishers } from "../throughput.ts";

export interface Feature {
  /** Such as "with reports". */
  name: string;
  on: Side;
  off: Side;
  count: number;
  /** Looks, after each run, whether the feature did its work for each of `count` messages. */
  check: (count: number) => Promise<void>;
  /** How the messages are consumed. */
  conditions: Figure["conditions"];
}

/** What a feature costs: messages published and consumed at once with it, against ours without it. */
export async function cost(contest: Contest, feature: Feature): Promise<Figure> {
  const { on, off, count, check } = feature;
  contest.say(`${contest.label}: ${feature.name}`);
  const { rate } = await alternate({
    rounds: contest.rounds,
    count,
    ours: async (n) => {
      const measured = await togetherRate(on, n, bytes);
      await check(n);
      return { rate: measured };
    },
    peer: async (n) => ({ rate: await togetherRate(off, n, bytes) }),
  });
  return rowOf(contest, {
    name: `publish and consume at once, ${feature.name}`,
    result: rate,
    unit: "1/s",
    goal: null,
    conditions: {
      message: "1 KiB of bytes, persistent",
      messages: `${count} a round`,
      publishers,
      ...feature.conditions,
      peer: "ours without it",
    },
  });
}
