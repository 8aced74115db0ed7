import type { CommandAnswer, OperatorApi } from "./operator-api.ts";

/** A command's way there and back, as an operator sees it. */
export interface RoundTrip {
  line: string;
  commandId: string;
  command: CommandAnswer;
  /** From the request leaving to the end being known, ms. */
  tookMs: number;
}

/** Runs the first command on the demo agent; rejects when it doesn't complete within `deadlineMs`. */
export async function runFirstCommand(api: OperatorApi, agentId: string, deadlineMs: number): Promise<RoundTrip> {
  const line = "echo hello from $(uname -n)";
  const began = performance.now();
  const commandId = await api.queueShell(agentId, line);
  const command = await api.waitForEnd(commandId, AbortSignal.timeout(deadlineMs));
  const tookMs = performance.now() - began;
  if (command.status !== "completed") {
    const { exitCode, error, errorMessage } = command.result ?? {};
    const why = errorMessage ?? error ?? (exitCode === undefined ? "" : `exit code ${String(exitCode)}`);
    throw new Error(`the first command ended ${command.status}${why ? ` (${why})` : ""}`);
  }
  return { line, commandId, command, tookMs };
}
