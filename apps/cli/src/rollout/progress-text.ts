import { clockTime } from "../terminal/time.ts";
import { endedText, tallyOf } from "./counts.ts";
import type { Progress } from "./progress-bar.ts";

/** How far a rollout is, in words, for where nothing can be redrawn: a log, a pipe, a dumb terminal. */
export function progressText({ counts, maxErrors, elapsedMs }: Progress): string {
  const { done, targets, running, waiting } = tallyOf(counts);
  const parts = [
    endedText(counts),
    maxErrors !== null && counts.errors > 0 ? `${counts.errors} errors (${maxErrors} allowed)` : "",
    running > 0 ? `${running} running` : "",
    waiting > 0 ? `${waiting} waiting` : "",
  ].filter(Boolean);
  return `${clockTime(elapsedMs)}  ${[`${done} of ${targets} done`, ...parts].join(", ")}`;
}
