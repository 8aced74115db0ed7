import type { Rejection } from "../commands/handler.ts";
import type { ExecutionEnd } from "../execution/execution.ts";
import type { RunResult } from "../ledger/records.ts";

/** Why the agent ended what ran. */
export type StopReason = "timeout" | "cancelled" | "interrupted";

/** The result of what ran; what the agent asked of it comes before how it ended. */
export function finishedResult(
  end: ExecutionEnd,
  facts: { stopReason: StopReason | null; timeoutMs: number; durationMs: number; outputBytes: number },
): RunResult {
  const { stopReason, timeoutMs, durationMs, outputBytes } = facts;
  if (stopReason === null) return { ...end, durationMs, outputBytes };
  const reasons = {
    timeout: `its ${timeoutMs} ms were over`,
    cancelled: "cancelled while it ran",
    interrupted: "the agent stopped while it ran",
  };
  return {
    outcome: stopReason === "interrupted" ? "failed" : stopReason,
    exitCode: end.exitCode,
    error: stopReason,
    errorMessage: [reasons[stopReason], end.errorMessage].filter((text) => text !== "").join("; "),
    durationMs,
    outputBytes,
    ...(end.leftRunning === undefined ? {} : { leftRunning: end.leftRunning }),
  };
}

/** The result of what couldn't begin. */
export function rejectedResult({ error, errorMessage }: Rejection): RunResult {
  return { outcome: "failed", exitCode: -1, error, errorMessage, durationMs: 0, outputBytes: 0 };
}

/** The result of what a crash of the agent cut off. */
export function interruptedResult(): RunResult {
  return rejectedResult({ error: "interrupted", errorMessage: "the agent's process ended while the command ran" });
}
