import { Counter, Gauge, type Registry } from "prom-client";
import { finishedCommands } from "../commands/finished-commands.ts";
import type { CommandServerMetrics } from "../metrics.ts";
import { rolloutStatuses, type RolloutStatus } from "./rollout.ts";

export interface RolloutMetrics {
  started(): void;
  /** It ended by this server's doing, with so many queued commands cancelled. */
  ended(status: RolloutStatus, cancelled: number): void;
  /** What a step did. */
  advanced(step: { type: string; queued: number; cancelled: number }): void;
  /** Rollouts that run, on all servers. */
  active(count: number): void;
}

export function createRolloutMetrics(registry: Registry, commands: CommandServerMetrics): RolloutMetrics {
  const registers = [registry];
  const started = new Counter({ name: "rollouts_started_total", help: "Rollouts stored by this server.", registers });
  const ended = new Counter({
    name: "rollouts_ended_total",
    help: "Rollouts that ended by this server's doing, by how.",
    labelNames: ["status"],
    registers,
  });
  const active = new Gauge({ name: "rollouts_active", help: "Rollouts that run, on all servers.", registers });
  const finished = finishedCommands(registry);
  // So that a rate over each is right the first time.
  for (const status of rolloutStatuses) if (status !== "running") ended.inc({ status }, 0);
  active.set(0);
  return {
    started: () => started.inc(),
    ended(status, cancelled) {
      ended.inc({ status });
      finished.inc({ status: "cancelled" }, cancelled);
    },
    advanced({ type, queued, cancelled }) {
      commands.queued(type, queued);
      finished.inc({ status: "cancelled" }, cancelled);
    },
    active: (count) => active.set(count),
  };
}
