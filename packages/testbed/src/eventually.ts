import { setTimeout as sleep } from "node:timers/promises";
import { inspect } from "node:util";

export interface EventuallyOptions {
  /** How long to go on, in milliseconds. */
  deadlineMs: number;
  /** Pause between two tries, in milliseconds; default 10. */
  intervalMs?: number;
  /** What is waited for, in words; it opens the error's message. */
  what?: string;
}

type Falsy = false | 0 | 0n | "" | null | undefined;

/**
 * Calls `fn` until it returns something truthy, and returns that. A throw counts as "not yet".
 *
 * @throws Error after `deadlineMs`, even while a call hangs; its message has `what`, the last value and the last error.
 */
export async function eventually<T>(fn: () => T | Falsy | Promise<T | Falsy>, options: EventuallyOptions): Promise<T> {
  const { deadlineMs, intervalMs = 10, what = "condition" } = options;
  const over = new AbortController();
  const deadline = sleep(deadlineMs, "over" as const, { signal: over.signal });
  deadline.catch(() => {}); // aborted at the end
  let seen: { value?: unknown; error?: unknown } = {};

  try {
    while (true) {
      const attempt = Promise.resolve()
        .then(fn)
        .then(
          (value) => ({ value }),
          (error: unknown) => ({ error }),
        );
      const outcome = await Promise.race([attempt, deadline]);
      if (outcome === "over") break;
      if ("value" in outcome && outcome.value) return outcome.value;
      seen = outcome;
      if ((await Promise.race([sleep(intervalMs), deadline])) === "over") break;
    }
  } finally {
    over.abort();
  }

  throw new Error(`${what}: not within ${deadlineMs} ms; ${describe(seen)}`, { cause: seen.error });
}

function describe(seen: { value?: unknown; error?: unknown }): string {
  if ("error" in seen) return `last error: ${inspect(seen.error, { depth: 2 })}`;
  if ("value" in seen) return `last value: ${inspect(seen.value, { depth: 4 })}`;
  return "no call came to an end";
}
