/** Lets a bounded number in at once and a bounded number wait, in order. */
export interface Admission {
  /** Resolves to the way out, which has to be called once; null when too many wait already. */
  enter(): Promise<(() => void) | null>;
}

export function createAdmission(o: { concurrency: number; queueLimit: number }): Admission {
  const waiting: (() => void)[] = [];
  let inside = 0;

  function leave(): void {
    inside -= 1;
    waiting.shift()?.();
  }

  async function enter(): Promise<(() => void) | null> {
    if (inside >= o.concurrency) {
      if (waiting.length >= o.queueLimit) return null;
      await new Promise<void>((resolve) => {
        waiting.push(() => {
          inside += 1;
          resolve();
        });
      });
      return leave;
    }
    inside += 1;
    return leave;
  }

  return { enter };
}
