import { inspect } from "node:util";
import { setTimeout as sleep } from "node:timers/promises";

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
export async function eventually<T>(
  fn: () => T | Promise<T>,
  options: EventuallyOptions,
): Promise<Exclude<Awaited<T>, Falsy>> {
  const deadline = performance.now() + options.deadlineMs;
  let lastSeen = "no call returned";
  let lastError: unknown;

  while (true) {
    try {
      const outcome = await within(deadline - performance.now(), fn);
      if (!outcome.returned) break;
      if (outcome.value) return outcome.value as Exclude<Awaited<T>, Falsy>;
      lastSeen = `last value: ${inspect(outcome.value, { depth: 4 })}`;
      lastError = undefined;
    } catch (error) {
      lastError = error;
    }
    const left = deadline - performance.now();
    if (left <= 0) break;
    await sleep(Math.min(options.intervalMs ?? 10, left));
  }

  const error = lastError === undefined ? "" : `; last error: ${inspect(lastError, { depth: 2 })}`;
  throw new Error(`${options.what ?? "condition"}: not within ${options.deadlineMs} ms; ${lastSeen}${error}`, {
    cause: lastError,
  });
}

async function within<T>(
  ms: number,
  fn: () => T | Promise<T>,
): Promise<{ returned: true; value: Awaited<T> } | { returned: false }> {
  const timer = new AbortController();
  const timeout = sleep(Math.max(0, ms), { returned: false } as const, { signal: timer.signal });
  timeout.catch(() => {}); // aborted below
  try {
    return await Promise.race([(async () => ({ returned: true, value: await fn() }) as const)(), timeout]);
  } finally {
    timer.abort();
  }
}
