import type { OutputFrame } from "./frames.ts";

// Chunks that may wait for one before them; when more come, what lies between is taken for lost.
const maxEarly = 32;

/**
 * Puts the chunks of one run into order. A chunk that begins beyond the end of what has come waits for what lies
 * between, unless it says that the agent had to drop that.
 */
export class OutputOrder {
  readonly attempt: number;
  #end: number;
  #early: OutputFrame[] = [];
  #waiting: { offset: number; resolve(): void }[] = [];

  /** `end`: everything before this byte is stored. */
  constructor(attempt: number, end: number) {
    this.attempt = attempt;
    this.#end = end;
  }

  /** Takes a chunk and gives those that may be stored now, in order. */
  accept(frame: OutputFrame): OutputFrame[] {
    this.#early.push(frame);
    this.#early.sort((a, b) => a.offset - b.offset);
    const ready: OutputFrame[] = [];
    for (let next = this.#takeReady(); next; next = this.#takeReady()) ready.push(next);
    if (this.#early.length > maxEarly) ready.push(...this.giveUp());
    this.#wake();
    return ready;
  }

  /** Whether everything before this byte has come. */
  reached(offset: number): boolean {
    return offset <= this.#end;
  }

  /** Resolves when it has. */
  async whenReached(offset: number): Promise<void> {
    if (this.reached(offset)) return;
    await new Promise<void>((resolve) => this.#waiting.push({ offset, resolve }));
  }

  /** What still waits, in order: to be stored over the holes. */
  giveUp(): OutputFrame[] {
    const rest = this.#early.splice(0);
    for (const frame of rest) this.#advance(frame);
    return rest;
  }

  #takeReady(): OutputFrame | undefined {
    const at = this.#early.findIndex((frame) => this.reached(frame.offset - frame.droppedBefore));
    if (at === -1) return undefined;
    const [frame] = this.#early.splice(at, 1);
    if (frame) this.#advance(frame);
    return frame;
  }

  #advance(frame: OutputFrame): void {
    this.#end = Math.max(this.#end, frame.offset + frame.data.length);
  }

  #wake(): void {
    const reached = this.#waiting.filter(({ offset }) => this.reached(offset));
    this.#waiting = this.#waiting.filter(({ offset }) => !this.reached(offset));
    for (const waiter of reached) waiter.resolve();
  }
}
