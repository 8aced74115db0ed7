import type { RolloutCounts, RolloutProgress, RolloutView } from "../api/rollout.ts";
import { exitCodes } from "../exit-codes.ts";
import type { Colors } from "../terminal/terminal.ts";
import { spokenDuration } from "../terminal/time.ts";

/** The exit code for a rollout that has ended: 0 where every command completed. */
export function exitCodeOf({ counts }: RolloutProgress): number {
  return isWhole(counts) ? exitCodes.ok : exitCodes.incomplete;
}

/** "97 of 100 completed, 2 failed, 1 timeout, in 12.3 s". */
export function describeOutcome(rollout: RolloutView): string {
  const { createdAt, finishedAt } = rollout;
  const took = createdAt && finishedAt ? `, in ${spokenDuration(finishedAt.getTime() - createdAt.getTime())}` : "";
  return `${headline(rollout)}${countsText(rollout)}${took}`;
}

/** "97 of 100 completed, 2 failed, 1 running": every state that there is. */
export function countsText({ status, counts }: RolloutProgress): string {
  const { targets, completed, failed, timeout, cancelled, expired, assigned, queued, pending } = counts;
  const states: [count: number, what: string][] = [
    [failed, "failed"],
    [timeout, "timeout"],
    [cancelled, "cancelled"],
    [expired, "expired"],
    [assigned, "running"],
    [queued, "queued"],
    [pending, status === "running" ? "held back" : "never queued"],
  ];
  const others = states.filter(([count]) => count > 0).map(([count, what]) => `${count} ${what}`);
  return [isWhole(counts) ? `all ${targets} completed` : `${completed} of ${targets} completed`, ...others].join(", ");
}

export function paintRollout(colors: Colors, { status, counts }: RolloutProgress, cell: string): string {
  if (status === "running") return colors.cyan(cell);
  if (status === "stopped") return colors.yellow(cell);
  return status === "completed" && isWhole(counts) ? colors.green(cell) : colors.red(cell);
}

function isWhole({ completed, targets }: RolloutCounts): boolean {
  return completed === targets;
}

function headline({ status, counts, maxErrors }: RolloutView): string {
  if (status === "stopped") return "stopped: ";
  if (status !== "halted") return "";
  return `halted at ${counts.errors} ${counts.errors === 1 ? "error" : "errors"} (${maxErrors ?? 0} allowed): `;
}
