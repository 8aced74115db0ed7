import { Counter, type Registry } from "prom-client";
import type { ForeignOutcome } from "./foreign/foreign-commands.ts";

export interface ValkeyMetrics {
  foreign: (outcome: ForeignOutcome) => void;
  lost: (count: number) => void;
  reconnected: () => void;
}

/** The metrics of the Valkey store. */
export function createValkeyMetrics(registry: Registry): ValkeyMetrics {
  const registers = [registry];
  const foreign = new Counter({
    name: "foreign_commands_total",
    help: "Commands that other programs wrote: taken, or skipped and why.",
    labelNames: ["outcome"],
    registers,
  });
  for (const outcome of ["taken", "unreadable", "agent_unknown"] as const) foreign.inc({ outcome }, 0);
  const lost = new Counter({
    name: "command_store_changes_lost_total",
    help: "Acknowledged changes that the store was found to have lost, at least.",
    registers,
  });
  const reconnects = new Counter({
    name: "command_store_reconnects_total",
    help: "Times that the connection to the store came back.",
    registers,
  });
  return {
    foreign: (outcome) => foreign.inc({ outcome }),
    lost: (count) => lost.inc(count),
    reconnected: () => reconnects.inc(),
  };
}
