import { endedExecution, type Execution, type OutputSink } from "../execution/execution.ts";
import type { CommandHandler } from "./handler.ts";

const reasonSchema = { type: "object", properties: { reason: { type: "string", maxLength: 1_000 } } };

/** PING: answers `pong` at once. */
export const pingHandler: CommandHandler = {
  type: "PING",
  parametersSchema: null,
  lane: "control",
  recorded: false,
  run: (_request, output) => answer(output, "pong\n"),
};

/** STOP { reason }: the agent ends when its running commands have ended, or their grace is over. */
export const stopHandler: CommandHandler = {
  type: "STOP",
  parametersSchema: reasonSchema,
  lane: "control",
  recorded: true,
  run: (_request, output) => answer(output, "stopping\n"),
  afterwards: "stop",
};

/** RESTART { reason }: the same, and the launcher starts it again. */
export const restartHandler: CommandHandler = {
  type: "RESTART",
  parametersSchema: reasonSchema,
  lane: "control",
  recorded: true,
  run: (_request, output) => answer(output, "restarting\n"),
  afterwards: "restart",
};

/** Writes the text and ends well. */
function answer(output: OutputSink, text: string): Execution {
  output.write("stdout", Buffer.from(text));
  return endedExecution({ outcome: "exited", exitCode: 0, error: "", errorMessage: "" });
}
