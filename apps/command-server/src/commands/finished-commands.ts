import { Counter, type Registry } from "prom-client";
import { commandStatuses, isTerminal } from "./command.ts";

const name = "commands_finished_total";

/** The counter of ended commands: one for the operators' side, which cancels, and the agents', which does the rest. */
export function finishedCommands(registry: Registry): Counter<"status"> {
  const known = registry.getSingleMetric(name);
  if (known instanceof Counter) return known;
  const finished = new Counter({
    name,
    help: "Commands that reached a terminal state by this server's doing.",
    labelNames: ["status"],
    registers: [registry],
  });
  // So that a rate over each is right the first time.
  for (const status of commandStatuses.filter(isTerminal)) finished.inc({ status }, 0);
  return finished;
}
