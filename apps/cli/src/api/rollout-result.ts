import { readCommand, type CommandView } from "./command.ts";
import { AnswerRecord } from "./record.ts";

/** A rollout's command at one agent, with the begin of its output. */
export interface RolloutResult extends CommandView {
  output: string;
}

/** Throws a CliFailure where the answer isn't a result. */
export function readResult(json: unknown): RolloutResult {
  return { ...readCommand(json), output: new AnswerRecord(json).optionalText("output") ?? "" };
}
