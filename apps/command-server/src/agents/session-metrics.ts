import type { AgentMessage } from "@fleetwire/proto";
import { Counter, Gauge, Histogram, type Registry } from "prom-client";
import { finishedCommands } from "../commands/finished-commands.ts";
import type { DisconnectReason } from "../store/command-store.ts";

const bodies = new Set(["hello", "started", "refused", "output", "result", "heartbeat", "profile", "facts"]);

/** The label of a received frame; bounded whatever was sent. */
export function frameKind(message: AgentMessage): string {
  return message.body !== undefined && bodies.has(message.body) ? message.body : "unknown";
}

/** What the sessions measure. Labels are bounded: no ids. */
export interface SessionMetrics {
  frames: Counter<"direction" | "kind">;
  disconnects: Counter<"reason">;
  refusedHellos: Counter<"code">;
  assigned: Counter;
  finished: Counter<"status">;
  staleReports: Counter<"kind">;
  dispatchLatency: Histogram;
  processingDuration: Histogram;
}

/** `connected` counts the sessions that are open on this server, `greeting` the streams that are on their way to one. */
export function createSessionMetrics(
  registry: Registry,
  { connected, greeting }: { connected: () => number; greeting: () => number },
): SessionMetrics {
  const registers = [registry];
  const connectedGauge: Gauge = new Gauge({
    name: "agents_connected",
    help: "Agent sessions open on this server.",
    registers,
    collect: () => connectedGauge.set(connected()),
  });
  const greetingGauge: Gauge = new Gauge({
    name: "agent_hellos_waiting",
    help: "Streams let in that aren't welcomed yet: the line in front of the store.",
    registers,
    collect: () => greetingGauge.set(greeting()),
  });
  return {
    frames: new Counter({
      name: "agent_frames_total",
      help: "Frames on agents' streams.",
      labelNames: ["direction", "kind"],
      registers,
    }),
    disconnects: new Counter({
      name: "agent_disconnects_total",
      help: "Ended agent sessions, by the recorded reason.",
      labelNames: ["reason"],
      registers,
    }),
    refusedHellos: new Counter({
      name: "agent_hellos_refused_total",
      help: "Streams that ended before a session began, by the code that the agent was told.",
      labelNames: ["code"],
      registers,
    }),
    assigned: new Counter({
      name: "commands_assigned_total",
      help: "Commands given to an agent's session.",
      registers,
    }),
    finished: finishedCommands(registry),
    staleReports: new Counter({
      name: "agent_reports_stale_total",
      help: "Reports about a run that isn't the command's current one, or isn't known at all.",
      labelNames: ["kind"],
      registers,
    }),
    dispatchLatency: new Histogram({
      name: "command_dispatch_latency_seconds",
      help: "From queued to assigned, by the store's clock.",
      buckets: [0.001, 0.0025, 0.005, 0.01, 0.025, 0.05, 0.1, 0.5, 1, 5, 60, 3600],
      registers,
    }),
    processingDuration: new Histogram({
      name: "command_processing_duration_seconds",
      help: "How long the agent ran the command.",
      buckets: [0.005, 0.025, 0.1, 0.5, 1, 2, 5, 10, 30, 60, 300],
      registers,
    }),
  };
}

/** Every reason has a series from the start, so that a rate over it is right the first time. */
export function initDisconnects(metrics: SessionMetrics, reasons: readonly DisconnectReason[]): void {
  for (const reason of reasons) metrics.disconnects.inc({ reason }, 0);
}
