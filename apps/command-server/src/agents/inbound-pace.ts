import type { Clock } from "@fleetwire/service";
import type { SessionSettings } from "./session-settings.ts";
import { TokenBucket } from "./token-bucket.ts";

export interface Backlog {
  inProcess: number;
  bytesInProcess: number;
}

// A second's worth that runs out is one flooded second; this long without one and they are forgotten.
const calmMs = 5_000;

/**
 * How fast one agent is read: not at all while too many of its reports are on their way to the store, and no faster
 * than the allowed rate. Not reading fills the stream's flow-control window, so the agent waits and nothing piles up.
 */
export class InboundPace {
  readonly #o: {
    settings: SessionSettings;
    clock: Clock;
    pause(): void;
    resume(): void;
  };
  readonly #bucket: TokenBucket;
  #backlogged = false;
  #timer: NodeJS.Timeout | undefined;
  #floods = 0;
  #lastFloodMs = 0;
  #closed = false;

  constructor(options: { settings: SessionSettings; clock: Clock; pause(): void; resume(): void }) {
    this.#o = options;
    const perSecond = options.settings.maxFramesPerSecond;
    this.#bucket = new TokenBucket({ perSecond, burst: perSecond * 2, nowMs: options.clock.monotonicMs() });
  }

  get reading(): boolean {
    return !this.#backlogged && this.#timer === undefined;
  }

  /** Counts a frame, as so many. `flood`: the agent has sent more than allowed for so long that its stream is to be closed. */
  arrived(cost = 1): "fine" | "flood" {
    const nowMs = this.#o.clock.monotonicMs();
    if (this.#bucket.take(nowMs, cost) === 0 || this.#timer !== undefined) return "fine";
    this.#floods = nowMs - this.#lastFloodMs > calmMs ? 1 : this.#floods + 1;
    this.#lastFloodMs = nowMs;
    if (this.#floods > this.#o.settings.maxFloodSeconds) return "flood";
    // Reads on with the allowance of a second.
    this.#change(() => (this.#timer = setTimeout(() => this.#change(() => (this.#timer = undefined)), 1_000)));
    return "fine";
  }

  /** Pauses or goes on, by how much is on its way. */
  settled(backlog: Backlog): void {
    const { maxReportsInProcess, maxReportBytesInProcess } = this.#o.settings;
    // Goes on at half of it, so that reading isn't switched for each report.
    const share = this.#backlogged ? 0.5 : 1;
    const full =
      backlog.inProcess >= maxReportsInProcess * share || backlog.bytesInProcess >= maxReportBytesInProcess * share;
    if (full !== this.#backlogged) this.#change(() => (this.#backlogged = full));
  }

  close(): void {
    this.#closed = true;
    clearTimeout(this.#timer);
  }

  #change(apply: () => void): void {
    if (this.#closed) return;
    const before = this.reading;
    apply();
    if (before && !this.reading) this.#o.pause();
    if (!before && this.reading) this.#o.resume();
  }
}
