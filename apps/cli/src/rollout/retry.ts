import type { Command } from "commander";
import { type Surroundings, withSession } from "../session.ts";
import { goOn } from "./run.ts";

/** `rollout retry`: the same again where it didn't complete. */
export function addRolloutRetry(parent: Command, surroundings: Surroundings, finish: (code: number) => void): void {
  parent
    .command("retry")
    .summary("run a rollout again where it didn't complete")
    .description("Runs the same again on the agents where it didn't complete, and follows that as run does.")
    .argument("<rolloutId>")
    .option("--detach", "return at once and print the rollout's id")
    .addHelpText("after", "\nExample:\n  fleetwire rollout retry 01990b5e-…")
    .action(async (rolloutId: string, { detach = false }: { detach?: boolean }, command: Command) => {
      await withSession(command, surroundings, async (session) => {
        const startedMs = performance.now();
        finish(await goOn(session, await session.client.rollouts.retry(rolloutId), { startedMs, detach }));
      });
    });
}
