/** Allows `burst` at once and `perSecond` on average. Time is passed in (monotonic ms). */
export class TokenBucket {
  readonly #perSecond: number;
  readonly #burst: number;
  #tokens: number;
  #at: number;

  constructor(o: { perSecond: number; burst: number; nowMs: number }) {
    this.#perSecond = o.perSecond;
    this.#burst = o.burst;
    this.#tokens = o.burst;
    this.#at = o.nowMs;
  }

  /** Takes tokens; the bucket may go below zero, which has to be waited for. Gives the wait in ms, 0 for none. */
  take(nowMs: number, tokens = 1): number {
    this.#refill(nowMs);
    this.#tokens -= tokens;
    return this.#tokens >= 0 ? 0 : (-this.#tokens / this.#perSecond) * 1_000;
  }

  /** Whether a token is there, without taking it. */
  has(nowMs: number): boolean {
    this.#refill(nowMs);
    return this.#tokens >= 1;
  }

  #refill(nowMs: number): void {
    const gained = ((nowMs - this.#at) / 1_000) * this.#perSecond;
    this.#tokens = Math.min(this.#burst, this.#tokens + gained);
    this.#at = nowMs;
  }
}
