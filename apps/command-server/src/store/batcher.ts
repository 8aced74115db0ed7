/**
 * Natural group commit: while nothing is in flight a call goes out at once (with those of the same turn of the event
 * loop), and what arrives during a flight leaves together when it lands. No timer, so an idle store adds no latency; a
 * busy one pays for one statement instead of many.
 */
export interface BatcherOptions<I, O> {
  /** One step for all items; answers in their order. */
  run(items: readonly I[]): Promise<readonly O[]>;
  /** Default 200. */
  maxItems?: number;
  /** Sum of `sizeOf` over one batch; a single larger item goes alone. */
  maxSize?: number;
  sizeOf?(item: I): number;
  /** A second batch leaves before the first lands only when it is full. Default 2. */
  maxInFlight?: number;
  /** Two items with a key in common never share a batch. */
  keysOf?(item: I): readonly string[];
  /** True where every item of the batch would fail alike, so that trying them one by one is no use. */
  concernsAll(error: unknown): boolean;
  /** Where order matters: what waits behind a batch that failed as a whole fails with it. */
  failWaiting?: boolean;
}

interface Waiting<I, O> {
  item: I;
  resolve: (output: O) => void;
  reject: (error: unknown) => void;
}

/** @returns a function that puts one item into a batch and resolves to its own answer. */
export function createBatcher<I, O>(options: BatcherOptions<I, O>): (item: I) => Promise<O> {
  const { maxItems = 200, maxSize = Infinity, maxInFlight = 2 } = options;
  let waiting: Waiting<I, O>[] = [];
  let inFlight = 0;
  let scheduled = false;

  function schedule(): void {
    if (scheduled || waiting.length === 0) return;
    if (inFlight > 0 && (inFlight >= maxInFlight || waiting.length < maxItems)) return;
    scheduled = true;
    setImmediate(() => {
      scheduled = false;
      void fly(take());
      schedule();
    });
  }

  function take(): Waiting<I, O>[] {
    const taken: Waiting<I, O>[] = [];
    const left: Waiting<I, O>[] = [];
    const keys = new Set<string>();
    let size = 0;
    let full = false;
    for (const next of waiting) {
      const nextKeys = options.keysOf?.(next.item) ?? [];
      const nextSize = options.sizeOf?.(next.item) ?? 0;
      full ||= taken.length >= maxItems || (taken.length > 0 && size + nextSize > maxSize);
      if (full || nextKeys.some((key) => keys.has(key))) {
        left.push(next);
        continue;
      }
      for (const key of nextKeys) keys.add(key);
      size += nextSize;
      taken.push(next);
    }
    waiting = left;
    return taken;
  }

  async function fly(batch: readonly Waiting<I, O>[]): Promise<void> {
    inFlight += 1;
    try {
      await settle(batch);
    } catch (error) {
      for (const { reject } of batch) reject(error);
      if (options.failWaiting === true) {
        const behind = waiting;
        waiting = [];
        for (const { reject } of behind) reject(error);
      }
    } finally {
      inFlight -= 1;
      schedule();
    }
  }

  /** Throws only what concerns the whole batch. */
  async function settle(batch: readonly Waiting<I, O>[]): Promise<void> {
    try {
      const outputs = await options.run(batch.map(({ item }) => item));
      batch.forEach(({ resolve }, index) => resolve(outputs[index] as O));
    } catch (error) {
      const [only, ...others] = batch;
      if (options.concernsAll(error)) throw error;
      if (only !== undefined && others.length === 0) only.reject(error);
      // One bad row must not fail its neighbours: find it by trying each alone.
      else for (const one of batch) await settle([one]);
    }
  }

  return (item) =>
    new Promise<O>((resolve, reject) => {
      waiting.push({ item, resolve, reject });
      schedule();
    });
}
