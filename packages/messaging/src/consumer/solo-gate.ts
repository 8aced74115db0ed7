/**
 * Lets a delivery that came back be handled alone in its process: if it ends the process, nothing else ends with it.
 * While one waits to be alone nothing starts. It goes when everything before it has ended, or after ten seconds beside
 * what still runs; half a minute after its start others may start again. So no handler, however long, stops a process.
 */
export interface SoloGate {
  /** False while something is alone or waits to be; `wake` is then called when it may try again. */
  readonly enter: (wake: () => void) => boolean;
  /** True when it may start; else it waits in line, and `wake` is called when it is its turn to try. */
  readonly enterAlone: (wake: () => void) => boolean;
  /** Gives up waiting to be alone. */
  readonly forget: (wake: () => void) => void;
  /** What had entered has ended; `isAlone` as it entered. */
  readonly leave: (isAlone: boolean) => void;
}

const longestWaitMs = 10_000;
const longestAloneMs = 30_000;

/** One for each process's provider. */
export function createSoloGate(): SoloGate {
  let running = 0;
  /** One is alone now, and others have to wait for it. */
  let alone: NodeJS.Timeout | null = null;
  /** In line, each with the time at which it waits no more. */
  const waitingAlone = new Map<() => void, { timer: NodeJS.Timeout; isImpatient: boolean }>();
  const blocked = new Set<() => void>();

  function wakeSome(): void {
    const [first] = waitingAlone.keys();
    if (first !== undefined) {
      if (running === 0 || waitingAlone.get(first)?.isImpatient === true) first();
      return;
    }
    if (alone !== null) return;
    const woken = [...blocked];
    blocked.clear();
    for (const wake of woken) wake();
  }

  function endAlone(): void {
    if (alone !== null) clearTimeout(alone);
    alone = null;
  }

  function stand(wake: () => void): void {
    if (waitingAlone.has(wake)) return;
    const timer = setTimeout(() => {
      const place = waitingAlone.get(wake);
      if (place === undefined) return;
      place.isImpatient = true;
      wakeSome();
    }, longestWaitMs);
    waitingAlone.set(wake, { timer: timer.unref(), isImpatient: false });
  }

  function leaveLine(wake: () => void): boolean {
    clearTimeout(waitingAlone.get(wake)?.timer);
    return waitingAlone.delete(wake);
  }

  return {
    enter: (wake) => {
      if (alone !== null || waitingAlone.size > 0) {
        blocked.add(wake);
        return false;
      }
      running += 1;
      return true;
    },
    enterAlone: (wake) => {
      const [first = wake] = waitingAlone.keys();
      const isImpatient = waitingAlone.get(wake)?.isImpatient === true;
      if (first !== wake || alone !== null || (running > 0 && !isImpatient)) {
        stand(wake);
        return false;
      }
      leaveLine(wake);
      running += 1;
      alone = setTimeout(() => {
        endAlone();
        wakeSome();
      }, longestAloneMs).unref();
      return true;
    },
    forget: (wake) => {
      if (leaveLine(wake)) wakeSome();
    },
    leave: (isAlone) => {
      running -= 1;
      if (isAlone) endAlone();
      if (isAlone || running === 0) wakeSome();
    },
  };
}
