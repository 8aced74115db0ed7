import { FleetwireError } from "@fleetwire/service";
import { agentErrors } from "./agent-errors.ts";

/**
 * Says that what is still being tried is to be given up, as an AbortSignal does. But many may wait for one of these:
 * adding a listener to an AbortSignal looks through all that it has, so that ten thousand sessions that end at once
 * would keep the process busy for seconds. And one that nobody waits for is a flag.
 */
export class StopSignal {
  #aborted = false;
  #waiting: Set<() => void> | null = null;

  get aborted(): boolean {
    return this.#aborted;
  }

  abort(): void {
    this.#aborted = true;
    for (const wake of this.#waiting ?? []) wake();
  }

  /** @throws FleetwireError once it is aborted. */
  throwIfAborted(): void {
    if (this.#aborted) throw new FleetwireError(agentErrors.server_stopping);
  }

  /** Waits. @throws FleetwireError once it is aborted. */
  async pause(ms: number): Promise<void> {
    this.throwIfAborted();
    const { promise, resolve } = Promise.withResolvers<void>();
    const timer = setTimeout(resolve, ms);
    this.#waiting ??= new Set();
    this.#waiting.add(resolve);
    await promise;
    clearTimeout(timer);
    this.#waiting.delete(resolve);
    this.throwIfAborted();
  }
}
