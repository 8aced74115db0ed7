import type { Command } from "commander";
import { type Surroundings, withSession } from "../session.ts";
import { visibleLine } from "../terminal/visible.ts";
import { describeOutcome } from "./outcome.ts";

/** `rollout stop`: no more commands from it. */
export function addRolloutStop(parent: Command, surroundings: Surroundings): void {
  parent
    .command("stop")
    .summary("stop a rollout")
    .description(
      "Queues no more commands of the rollout and cancels those that no agent has taken yet. What runs goes on.",
    )
    .argument("<rolloutId>")
    .option("--cancel-running", "also ask the agents to end what runs")
    .addHelpText("after", "\nExample:\n  fleetwire rollout stop 01990b5e-… --cancel-running")
    .action(async (rolloutId: string, { cancelRunning = false }: { cancelRunning?: boolean }, command: Command) => {
      await withSession(command, surroundings, async (session) => {
        const stopped = await session.client.rollouts.stop(rolloutId, { cancelRunning });
        if (session.json) return session.document(stopped.json);
        await session.line(visibleLine(`${stopped.rolloutId}  ${stopped.status}`));
        return session.terminal.note(`fleetwire: ${describeOutcome(stopped)}`);
      });
    });
}
