import type { OutputFrame } from "./frames.ts";

export interface OutputLineOptions {
  /** Stores one piece; the next one waits for it. */
  append(frame: OutputFrame): Promise<void>;
  /** Accounts for this many bytes until the work is done, and runs it. */
  began(bytes: number, work: () => Promise<void>): void;
  /** Nothing waits here any more. */
  empty(): void;
}

interface Entry {
  frame: OutputFrame | null;
  work: () => Promise<void>;
  done: () => void;
  failed: (error: unknown) => void;
}

// What arrives while the store is busy goes to it together, up to this.
const maxMergedBytes = 256 * 1024;

/** Keeps the order of one command's output and the result after it. After a failure nothing more is stored of it. */
export class OutputLine {
  readonly #o: OutputLineOptions;
  readonly #waiting: Entry[] = [];
  #busy = false;
  #broken = false;

  constructor(options: OutputLineOptions) {
    this.#o = options;
  }

  push(frame: OutputFrame): void {
    this.#add(frame.data.length, frame, () => Promise.resolve());
  }

  /** Runs after all output that came before. */
  end(store: () => Promise<void>): void {
    this.#add(0, null, store);
  }

  #add(bytes: number, frame: OutputFrame | null, work: () => Promise<void>): void {
    if (this.#broken) return;
    this.#o.began(bytes, () => {
      const { promise, resolve, reject } = Promise.withResolvers<void>();
      this.#waiting.push({ frame, work, done: resolve, failed: reject });
      if (!this.#busy) void this.#drain();
      return promise;
    });
  }

  async #drain(): Promise<void> {
    this.#busy = true;
    for (let next = this.#takeNext(); next.length > 0; next = this.#takeNext()) {
      try {
        await this.#store(next);
        for (const entry of next) entry.done();
      } catch (error) {
        // What comes after would leave a hole.
        this.#broken = true;
        for (const entry of [...next, ...this.#waiting.splice(0)]) entry.failed(error);
      }
    }
    this.#busy = false;
    if (!this.#broken) this.#o.empty();
  }

  async #store(entries: readonly Entry[]): Promise<void> {
    const frames = entries.flatMap(({ frame }) => (frame ? [frame] : []));
    const [first] = frames;
    if (!first) {
      for (const entry of entries) await entry.work();
      return;
    }
    const data = frames.length === 1 ? first.data : Buffer.concat(frames.map((frame) => frame.data));
    await this.#o.append({ ...first, data });
  }

  /** The next entry, with what follows on from it without a gap in the same stream. */
  #takeNext(): Entry[] {
    const first = this.#waiting.shift();
    if (!first) return [];
    const taken = [first];
    let last = first.frame;
    let bytes = last?.data.length ?? 0;
    while (last) {
      const next = this.#waiting[0]?.frame;
      if (!next || !follows(last, next) || bytes + next.data.length > maxMergedBytes) break;
      taken.push(...this.#waiting.splice(0, 1));
      bytes += next.data.length;
      last = next;
    }
    return taken;
  }
}

function follows(last: OutputFrame, next: OutputFrame): boolean {
  return next.attempt === last.attempt && next.stream === last.stream && next.offset === last.offset + last.data.length;
}
