import type { RolloutCounts } from "../api/rollout.ts";

/** How far a rollout is. */
export interface Tally {
  targets: number;
  /** Commands that have ended, however. */
  done: number;
  running: number;
  /** With an agent that hasn't taken it, or held back. */
  waiting: number;
  /** 0–100; 100 only where all is done. */
  percent: number;
}

const endStates = ["completed", "failed", "timeout", "cancelled", "expired"] as const;

export function tallyOf(counts: RolloutCounts): Tally {
  const { targets, assigned: running, pending, queued } = counts;
  const done = endStates.reduce((sum, state) => sum + counts[state], 0);
  const percent = targets > 0 ? Math.min(100, Math.floor((done / targets) * 100)) : 100;
  return { targets, done, running, waiting: pending + queued, percent };
}

/** "95 completed, 3 failed, 2 timeout": those that there are; "" where none has ended. */
export function endedText(counts: RolloutCounts): string {
  return endStates
    .filter((state) => counts[state] > 0)
    .map((state) => `${counts[state]} ${state}`)
    .join(", ");
}
