import type { Clock } from "@fleetwire/service";

/**
 * Calls `onDue` for each item a fixed time after it was added, unless it was deleted before. As the delay is the same
 * for all, the items are due in the order in which they came: one timer serves any number of them.
 */
export class FixedDelay<T> {
  readonly #delayMs: number;
  readonly #clock: Clock;
  readonly #onDue: (item: T) => void;
  readonly #dueAt = new Map<T, number>();
  #timer: NodeJS.Timeout | undefined;

  constructor(delayMs: number, clock: Clock, onDue: (item: T) => void) {
    this.#delayMs = delayMs;
    this.#clock = clock;
    this.#onDue = onDue;
  }

  get size(): number {
    return this.#dueAt.size;
  }

  has(item: T): boolean {
    return this.#dueAt.has(item);
  }

  /** An item that was added before begins anew. */
  add(item: T): void {
    this.#dueAt.delete(item);
    this.#dueAt.set(item, this.#clock.monotonicMs() + this.#delayMs);
    this.#timer ??= setTimeout(() => this.#check(), this.#delayMs);
  }

  /** True when the item was still waiting. */
  delete(item: T): boolean {
    return this.#dueAt.delete(item);
  }

  close(): void {
    clearTimeout(this.#timer);
    this.#timer = undefined;
    this.#dueAt.clear();
  }

  #check(): void {
    this.#timer = undefined;
    const now = this.#clock.monotonicMs();
    for (const [item, dueAt] of this.#dueAt) {
      if (dueAt > now) {
        this.#timer ??= setTimeout(() => this.#check(), Math.max(1, Math.ceil(dueAt - now)));
        return;
      }
      this.#dueAt.delete(item);
      this.#onDue(item);
    }
  }
}
