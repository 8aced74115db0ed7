import type { Logger } from "@fleetwire/service";
import { changedNothing } from "../store/errors.ts";
import type { StopSignal } from "./stop-signal.ts";

const firstDelayMs = 50;
const maxDelayMs = 3_000;

/** Whether the store was out of reach, so that the same call may succeed later. */
function isUnavailable(error: unknown): boolean {
  if (!(error instanceof Error) || !("code" in error)) return false;
  return error.code === "store_unavailable" || ("kind" in error && error.kind === "unavailable");
}

const unreachable = new Set(["ECONNREFUSED", "EHOSTUNREACH", "ENETUNREACH", "ENOTFOUND", "EAI_AGAIN"]);

/** Whether a call surely had no effect: the store refused it, or it failed before anything could be sent. */
export function wasNeverSent(error: unknown): boolean {
  if (!(error instanceof Error)) return false;
  if (changedNothing(error)) return true;
  if ("code" in error && typeof error.code === "string" && unreachable.has(error.code)) return true;
  if (error instanceof AggregateError) return error.errors.length > 0 && error.errors.every(wasNeverSent);
  return wasNeverSent(error.cause);
}

/** Full jitter: anything up to the cap, which doubles with each attempt. */
export function backoffMs(attempt: number, random: () => number = Math.random): number {
  return Math.ceil(random() * Math.min(maxDelayMs, firstDelayMs * 2 ** Math.min(attempt, 16)));
}

/**
 * Calls the store until it answers: again with backoff while it is out of reach. Rejects with the error of a call that
 * failed in another way, and once the signal is aborted.
 */
export async function untilStored<T>(
  call: () => Promise<T>,
  o: { signal: StopSignal; log: Logger; what: string },
): Promise<T> {
  for (let attempt = 0; ; attempt += 1) {
    o.signal.throwIfAborted();
    try {
      return await call();
    } catch (error) {
      if (!isUnavailable(error)) throw error;
      if (attempt === 0) o.log.warn({ err: error, what: o.what }, "the store is out of reach; trying again");
    }
    await o.signal.pause(backoffMs(attempt));
  }
}
