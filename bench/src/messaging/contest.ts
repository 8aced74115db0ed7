import type { QueueDefinition, QueueProvider, Tracing } from "@fleetwire/messaging";
import { figure, type Figure } from "../report.ts";
import type { Compared } from "./compare.ts";
import type { OurSide, Side } from "./side.ts";

/** Our side and a bare client, on queues of the same kind of one server. */
export interface Contest {
  /** Begins each figure's name: "rabbitmq quorum". */
  label: string;
  ours: OurSide;
  bare: Side;
  /** What our side's queue was declared as. */
  definition: QueueDefinition;
  /** Another provider of ours, with the same queues. */
  open(tracing?: Tracing): Promise<QueueProvider>;
  quick: boolean;
  rounds: number;
  conditions: Figure["conditions"];
  say: (line: string) => void;
}

export interface Row {
  name: string;
  result: Compared;
  unit: string;
  goal: string | null;
  conditions: Figure["conditions"];
}

/** One row of the table: ours beside its peer, with the ratio of the rounds. */
export function rowOf({ label, conditions }: Contest, row: Row): Figure {
  const { ours, peer, ratio, ratios } = row.result;
  return figure({
    figure: `${label}: ${row.name}`,
    ours,
    peer,
    ratio,
    unit: row.unit,
    goal: row.goal,
    conditions: { ...conditions, ratios: ratios.map((one) => one.toFixed(2)).join(" "), ...row.conditions },
  });
}
