import { chosen, type BenchOptions } from "../options.ts";
import type { Figure } from "../report.ts";
import { rabbitmqSection } from "./rabbitmq/section.ts";

const sections = { rabbitmq: rabbitmqSection };

/**
 * Messages through each provider against its bare client, on the same server; the two take turns, several in each round. A
 * figure is the median of the rounds, and a ratio the median of the rounds' ratios.
 */
export async function messagingSuite(options: BenchOptions): Promise<Figure[]> {
  const rows: Figure[] = [];
  for (const name of chosen(Object.keys(sections) as (keyof typeof sections)[], options.only))
    rows.push(...(await sections[name](options)));
  return rows;
}
