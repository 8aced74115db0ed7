import { median } from "../report.ts";

/** Medians over the rounds; the ratio and the difference are those of each round, not of the medians. */
export interface Compared {
  ours: number;
  peer: number;
  /** ours / peer. */
  ratio: number;
  /** ours - peer. */
  difference: number;
  /** The rounds' ratios, ascending: how steady they were. */
  ratios: number[];
}

/** Measures one side with so many messages, and leaves its queue empty; gives rates. */
export type Run<Name extends string> = (count: number) => Promise<Record<Name, number>>;

// Each side's in a round: what else the machine does then takes its share of both.
const turns = 4;

/** Rates of ours and of a peer, who take turns in each round. */
export async function alternate<Name extends string>(options: {
  rounds: number;
  /** Messages of each side in a round; a multiple of 400. */
  count: number;
  ours: Run<Name>;
  peer: Run<Name>;
}): Promise<Record<Name, Compared>> {
  const { rounds, count, ours, peer } = options;
  const results: { ours: Record<Name, number>; peer: Record<Name, number> }[] = [];
  // The first one warms up: it takes thousands of messages until all three programs are as fast as they get.
  for (let round = 0; round <= rounds; round++) {
    const rates: { ours: Record<Name, number>[]; peer: Record<Name, number>[] } = { ours: [], peer: [] };
    for (let turn = 0; turn < turns; turn++) {
      const oursFirst = (round + turn) % 2 === 1;
      if (oursFirst) rates.ours.push(await ours(count / turns));
      rates.peer.push(await peer(count / turns));
      if (!oursFirst) rates.ours.push(await ours(count / turns));
    }
    if (round > 0) results.push({ ours: overall(rates.ours), peer: overall(rates.peer) });
  }
  const names = Object.keys(results[0]?.ours ?? {}) as Name[];
  const of = (name: Name) => compared(results.map((round) => ({ ours: round.ours[name], peer: round.peer[name] })));
  return Object.fromEntries(names.map((name) => [name, of(name)])) as Record<Name, Compared>;
}

/** The rate of all turns together; each was of as many messages. */
function overall<Name extends string>(rates: readonly Record<Name, number>[]): Record<Name, number> {
  const names = Object.keys(rates[0] ?? {}) as Name[];
  const of = (name: Name) => rates.length / rates.reduce((sum, rate) => sum + 1 / rate[name], 0);
  return Object.fromEntries(names.map((name) => [name, of(name)])) as Record<Name, number>;
}

export function compared(rounds: readonly { ours: number; peer: number }[]): Compared {
  return {
    ours: median(rounds.map(({ ours }) => ours)),
    peer: median(rounds.map(({ peer }) => peer)),
    ratio: median(rounds.map(({ ours, peer }) => ours / peer)),
    ratios: rounds.map(({ ours, peer }) => ours / peer).toSorted((a, b) => a - b),
    difference: median(rounds.map(({ ours, peer }) => ours - peer)),
  };
}
