/**
 * Lets a delivery that came back be handled alone in its process: if it ends the process, nothing else ends with it.
 * While one waits to be alone nothing starts. It goes when everything before it has ended, or after ten seconds beside
 * what still runs; half a minute after its start others may start again. So no handler, however long, stops a process.
 */
export interface SoloGate {
  /** False while something is alone or waits to be; `wake` is then called when it may try again. */
  readonly enter: (wake: () => void) => boolean;
  /** True when it may start; else it waits in line, and `wake` is called when it is its turn to try. */
  readonly enterAlone: (wake: () => void, delivery: object) => boolean;
  /** Gives up waiting to be alone. */
  readonly forget: (wake: () => void) => void;
  /** What had entered has ended. */
  readonly leave: (delivery: object) => void;
}

const longestWaitMs = 10_000;
const longestAloneMs = 30_000;

/** One for each process's provider. */
export function createSoloGate(): SoloGate {
  let running = 0;
  /** One is alone now, and others have to wait for it. */
  let alone: { delivery: object; timer: NodeJS.Timeout } | null = null;
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
    clearTimeout(alone?.timer);
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
    enterAlone: (wake, delivery) => {
      const [first = wake] = waitingAlone.keys();
      const isImpatient = waitingAlone.get(wake)?.isImpatient === true;
      if (first !== wake || alone !== null || (running > 0 && !isImpatient)) {
        stand(wake);
        return false;
      }
      leaveLine(wake);
      running += 1;
      const timer = setTimeout(() => {
        endAlone();
        wakeSome();
      }, longestAloneMs);
      alone = { delivery, timer: timer.unref() };
      return true;
    },
    forget: (wake) => {
      if (leaveLine(wake)) wakeSome();
    },
    leave: (delivery) => {
      running -= 1;
      const isAlone = alone?.delivery === delivery;
      if (isAlone) endAlone();
      if (isAlone || running === 0) wakeSome();
    },
  };
}
