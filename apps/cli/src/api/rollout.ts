import { summaryOf } from "./command.ts";
import { AnswerRecord } from "./record.ts";

const countNames = [
  "targets",
  "pending",
  "queued",
  "assigned",
  "completed",
  "failed",
  "timeout",
  "cancelled",
  "expired",
  "errors",
] as const;

/** How many targets of a rollout are in each state; `errors`: what counts against its `maxErrors`. */
export type RolloutCounts = Record<(typeof countNames)[number], number>;

/** How far a rollout is. `json` is the whole answer, for `--json`. */
export interface RolloutProgress {
  json: Record<string, unknown>;
  rolloutId: string;
  status: string;
  counts: RolloutCounts;
  /** When it was over; what its agents run may go on. */
  finishedAt: Date | null;
}

/** A rollout as the server tells it. */
export interface RolloutView extends RolloutProgress {
  type: string;
  summary: string;
  /** Whom it was asked for, as it was asked. */
  selection: Record<string, unknown>;
  unable: number;
  maxConcurrency: number | null;
  maxErrors: number | null;
  timeoutSeconds: number | null;
  priority: number | null;
  retryOf: string | null;
  createdBy: string | null;
  createdAt: Date | null;
}

/** Throws a CliFailure where the data isn't a rollout's progress. */
export function readProgress(record: AnswerRecord): RolloutProgress {
  const counts = new AnswerRecord(record.json["counts"]);
  return {
    json: record.json,
    rolloutId: record.text("rolloutId"),
    status: record.text("status"),
    counts: Object.fromEntries(countNames.map((name) => [name, counts.count(name)])) as RolloutCounts,
    finishedAt: record.optionalDate("finishedAt"),
  };
}

/** Throws a CliFailure where the answer isn't a rollout. */
export function readRollout(json: unknown): RolloutView {
  const record = new AnswerRecord(json);
  return {
    ...readProgress(record),
    type: record.text("type"),
    summary: summaryOf(record),
    selection: record.optionalRecord("selection")?.json ?? {},
    unable: record.count("unable"),
    maxConcurrency: record.optionalNumber("maxConcurrency"),
    maxErrors: record.optionalNumber("maxErrors"),
    timeoutSeconds: record.optionalNumber("timeoutSeconds"),
    priority: record.optionalNumber("priority"),
    retryOf: record.optionalText("retryOf"),
    createdBy: record.optionalText("createdBy"),
    createdAt: record.optionalDate("createdAt"),
  };
}

/** What a request for many agents came to. */
export type Started = { json: Record<string, unknown> } & (
  | { kind: "started"; rolloutId: string; targets: number; unable: number }
  | { kind: "picked"; commandId: string; agentId: string }
  | { kind: "dryRun"; targets: number; unable: number; agents: string[] }
);

/** Throws a CliFailure where the answer is none of these. */
export function readStarted(answer: unknown): Started {
  const record = new AnswerRecord(answer);
  const { json } = record;
  const reach = { json, targets: record.count("targets"), unable: record.count("unable") };
  if (record.flag("dryRun")) return { kind: "dryRun", ...reach, agents: record.texts("agents") };
  if (record.optionalText("commandId") !== null) {
    return { kind: "picked", json, commandId: record.text("commandId"), agentId: record.text("agentId") };
  }
  return { kind: "started", ...reach, rolloutId: record.text("rolloutId") };
}
