/** Lets the latest value through at once, but no two within `intervalMs`; what comes faster is left out. */
export interface Pace<T> {
  offer(value: T): void;
  /** Forgets what still waits. */
  drop(): void;
}

export function createPace<T>(intervalMs: number, act: (value: T) => void): Pace<T> {
  let waiting: { value: T } | null = null;
  let resting: NodeJS.Timeout | null = null;
  const go = (value: T) => {
    waiting = null;
    if (resting) clearTimeout(resting);
    resting = setTimeout(() => {
      resting = null;
      if (waiting) go(waiting.value);
    }, intervalMs).unref();
    act(value);
  };
  return {
    offer(value) {
      if (resting) waiting = { value };
      else go(value);
    },
    drop() {
      waiting = null;
    },
  };
}
