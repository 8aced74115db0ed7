import { type Backoff, createBackoff } from "./connection/backoff.ts";
import { exitCodes } from "./exit-codes.ts";

export interface ChildExit {
  code: number | null;
  signal: NodeJS.Signals | null;
  /** How long it had run, ms. */
  ranMs: number;
}

/** What the launcher does after its child's end. */
export type Verdict = { kind: "end"; exitCode: number } | { kind: "start"; afterMs: number; why: "restart" | "crash" };

const restartsPerMinute = 5;
const minuteMs = 60_000;
// A child that ran this long was well: the next crash waits shortly again.
const steadyMs = 60_000;
const finalCodes: ReadonlySet<number> = new Set([
  exitCodes.stopped,
  exitCodes.superseded,
  exitCodes.dataUnavailable,
  exitCodes.refused,
  exitCodes.badSettings,
]);

/**
 * RESTART (75) starts it again at once, but at most 5 times a minute: one more waits until a minute has passed since
 * the first of them. A crash starts it again after backoff with full jitter, 1 s → 60 s. Anything else is the end.
 */
export function createRestartPolicy(options: { monotonicMs: () => number; random?: () => number }) {
  const { monotonicMs, random } = options;
  const backoff: Backoff = createBackoff({ baseMs: 1_000, capMs: 60_000, ...(random === undefined ? {} : { random }) });
  let restarts: number[] = [];

  function afterRestart(): Verdict {
    const now = monotonicMs();
    restarts = restarts.filter((at) => now - at < minuteMs);
    const [oldest] = restarts;
    const afterMs = oldest === undefined || restarts.length < restartsPerMinute ? 0 : oldest + minuteMs - now;
    if (afterMs > 0) restarts.shift();
    restarts.push(now + afterMs);
    return { kind: "start", afterMs, why: "restart" };
  }

  return {
    decide({ code, ranMs }: ChildExit): Verdict {
      if (code !== null && finalCodes.has(code)) return { kind: "end", exitCode: code };
      if (code === exitCodes.restart) return afterRestart();
      if (ranMs >= steadyMs) backoff.reset();
      return { kind: "start", afterMs: backoff.next(), why: "crash" };
    },
  };
}
