import { Counter, Gauge, type Registry } from "prom-client";
import { finishedCommands } from "./commands/finished-commands.ts";
import { isBuiltIn } from "./commands/parameters.ts";
import type { CommandStore } from "./store/command-store.ts";

/** Fleets with a series of their own; agents of all others count together. */
const maxFleets = 200;

/** The metrics of the operators' side; sessions register those of agents and of what agents do with commands. */
export interface CommandServerMetrics {
  /** Counts commands that were stored, by default one. Types of plug-ins count as `other`: agents choose their names. */
  queued(type: string, count?: number): void;
  cancelled(outcome: "cancelled" | "requested" | "already_ended"): void;
}

export function createCommandServerMetrics(
  registry: Registry,
  sources: { store: CommandStore; openStreams: () => number },
): CommandServerMetrics {
  const registers = [registry];
  const queued = new Counter({
    name: "commands_queued_total",
    help: "Commands stored, by type; those of plug-ins as other.",
    labelNames: ["type"],
    registers,
  });
  const cancelled = new Counter({
    name: "command_cancels_total",
    help: "Cancels by operators: cancelled at once, requested of the agent, or too late.",
    labelNames: ["outcome"],
    registers,
  });
  const depth = new Gauge({
    name: "command_queue_depth",
    help: "Commands that haven't ended, by state, on all servers.",
    labelNames: ["state"],
    registers,
    async collect() {
      // While the store is out of reach the last figures stay.
      const now = await sources.store.depth().catch(() => null);
      if (now === null) return;
      depth.set({ state: "queued" }, now.queued);
      depth.set({ state: "assigned" }, now.assigned);
    },
  });
  const online = new Gauge({
    name: "fleet_agents_online",
    help: `Agents online by fleet, on all servers: the ${maxFleets} largest, the rest as other.`,
    labelNames: ["fleet"],
    registers,
    async collect() {
      const fleets = await sources.store.onlineByFleet().catch(() => null);
      if (fleets === null) return;
      online.reset();
      for (const [fleet, count] of largestFleets(fleets)) online.set({ fleet }, count);
    },
  });
  const streams: Gauge = new Gauge({
    name: "command_followers",
    help: "Open event streams and watches over gRPC on this server.",
    registers,
    collect: () => streams.set(sources.openStreams()),
  });
  const finished = finishedCommands(registry);
  return {
    queued: (type, count = 1) => queued.inc({ type: isBuiltIn(type) ? type : "other" }, count),
    cancelled(outcome) {
      cancelled.inc({ outcome });
      // What an agent has ends by its answer.
      if (outcome === "cancelled") finished.inc({ status: "cancelled" });
    },
  };
}

function largestFleets(counts: ReadonlyMap<string, number>): Map<string, number> {
  const sorted = [...counts].toSorted(([, a], [, b]) => b - a);
  const largest = new Map(sorted.slice(0, maxFleets).map(([fleet, count]) => [fleet || "default", count]));
  const rest = sorted.slice(maxFleets).reduce((sum, [, count]) => sum + count, 0);
  if (rest > 0) largest.set("other", (largest.get("other") ?? 0) + rest);
  return largest;
}
