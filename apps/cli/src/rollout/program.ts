import type { Command } from "commander";
import type { Surroundings } from "../session.ts";
import { addRolloutList } from "./list.ts";
import { addRolloutResults } from "./results.ts";
import { addRolloutRetry } from "./retry.ts";
import { addRolloutRun } from "./run.ts";
import { addRolloutStatus } from "./status.ts";
import { addRolloutStop } from "./stop.ts";
import { addRolloutWatch } from "./watch.ts";

/** `fleetwire rollout`: one request that becomes many commands. */
export function addRollout(rollout: Command, surroundings: Surroundings, finish: (code: number) => void): void {
  rollout.summary("run one command on many agents");
  addRolloutRun(rollout, surroundings, finish);
  addRolloutStatus(rollout, surroundings);
  addRolloutList(rollout, surroundings);
  addRolloutWatch(rollout, surroundings, finish);
  addRolloutStop(rollout, surroundings);
  addRolloutRetry(rollout, surroundings, finish);
  addRolloutResults(rollout, surroundings);
}
