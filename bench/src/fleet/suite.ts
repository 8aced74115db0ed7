import { chosen, type BenchOptions } from "../options.ts";
import { machine, type Figure } from "../report.ts";
import { discovery } from "./discovery.ts";
import { growth } from "./growth.ts";
import { hundredAgents } from "./hundred-agents.ts";
import { realAgents } from "./real-agents.ts";
import { tenThousandAgents } from "./ten-thousand-agents.ts";
import type { StoreKind } from "./system.ts";

const kinds: readonly StoreKind[] = ["valkey", "postgres"];

/**
 * Commands over fleets, on Valkey and on PostgreSQL: latency, throughput, ten thousand agents, and what a long past costs.
 * Ceilings and comparisons alternate with ours in each round; a figure is the median of the rounds.
 */
export async function fleetSuite({ root, quick, only, say }: BenchOptions): Promise<Figure[]> {
  const rows: Figure[] = [];
  const rounds = quick ? 3 : 5;
  for (const kind of chosen(kinds, only)) {
    const section = { root, kind, quick, rounds, conditions: { ...machine(root), rounds }, say };
    rows.push(...(await hundredAgents(section)));
    rows.push(...(await realAgents({ ...section, rounds: 3 })));
    rows.push(...(await tenThousandAgents({ ...section, rounds: 3 })));
    // Loads a million records.
    if (!quick) rows.push(...(await growth({ ...section, rounds: 3 })));
    if (!quick && kind === "valkey") rows.push(...(await discovery(section)));
  }
  return rows;
}
