import type { Logger } from "@fleetwire/service";
import type { ResultOutcome } from "../store/command-store.ts";
import type { ResultFrame } from "./frames.ts";
import type { SessionMetrics } from "./session-metrics.ts";

interface RecordTo {
  log: Logger;
  metrics: SessionMetrics;
  /** How the log names the run. */
  run: Record<string, string | number>;
}

/** Counts and logs what became of a result. What an agent says of runs that aren't its own doesn't fill the log. */
export function recordOutcome(outcome: ResultOutcome, frame: ResultFrame, { log, metrics, run }: RecordTo): void {
  const { exitCode, error: code, durationMs } = frame;
  const ended = { ...run, exitCode, code, durationMs };
  if (outcome.kind === "unknown" || outcome.kind === "late") metrics.staleReports.inc({ kind: "result" });
  if (outcome.kind === "applied" || outcome.kind === "retried") {
    metrics.processingDuration.observe(durationMs / 1_000);
  }
  switch (outcome.kind) {
    case "applied":
      metrics.finished.inc({ status: outcome.status });
      log.debug({ ...ended, status: outcome.status }, "command ended");
      break;
    case "retried":
      log.info(ended, "a run failed; the command is queued again");
      break;
    case "late":
      log.info(ended, "a result came after the command had ended");
      break;
    case "duplicate":
    case "unknown":
      log.debug({ ...ended, outcome: outcome.kind }, "a result that changed nothing");
  }
}
