import { setTimeout as pause } from "node:timers/promises";
import type { CommandAnswer, OperatorApi } from "./operator-api.ts";

const pollMs = 50;

/** A command's way there and back, as an operator sees it. */
export interface RoundTrip {
  line: string;
  commandId: string;
  command: CommandAnswer;
  /** From the request leaving to the end being known, ms. */
  tookMs: number;
}

/** Waits for the demo agent and runs the first command on it; rejects when it doesn't complete within `deadlineMs`. */
export async function runFirstCommand(api: OperatorApi, agentId: string, deadlineMs: number): Promise<RoundTrip> {
  const deadline = AbortSignal.timeout(deadlineMs);
  try {
    while ((await api.agentStatus(agentId)) !== "online") await pause(pollMs, undefined, { signal: deadline });
    return await roundTrip(api, agentId, deadline);
  } catch (error) {
    if (!deadline.aborted) throw error;
    throw new Error(`the first command did not come back within ${deadlineMs / 1000} s`, { cause: error });
  }
}

async function roundTrip(api: OperatorApi, agentId: string, deadline: AbortSignal): Promise<RoundTrip> {
  const line = "echo hello from $(uname -n)";
  const began = performance.now();
  const commandId = await api.queueShell(agentId, line);
  const command = await api.waitForEnd(commandId, deadline);
  const tookMs = performance.now() - began;
  if (command.status === "completed") return { line, commandId, command, tookMs };
  const { exitCode, error, errorMessage } = command.result ?? {};
  const why = errorMessage ?? error ?? (exitCode === undefined ? "" : `exit code ${String(exitCode)}`);
  throw new Error(`the first command ended ${command.status}${why ? ` (${why})` : ""}`);
}
