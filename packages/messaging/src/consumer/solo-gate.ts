/**
 * Lets a delivery that came back be handled alone in its process: if it ends the process, nothing else ends with it.
 * While one waits to be alone nothing starts; it goes when everything before it has ended.
 */
export interface SoloGate {
  /** False while something is alone or waits to be; `wake` is then called when it may try again. */
  enter(wake: () => void): boolean;
  /** True when nothing runs; else it waits in line, and `wake` is called when it is its turn to try. */
  enterAlone(wake: () => void): boolean;
  /** Gives up waiting to be alone. */
  forget(wake: () => void): void;
  leave(): void;
}

/** One for each process's provider. */
export function createSoloGate(): SoloGate {
  let running = 0;
  let alone = false;
  const waitingAlone = new Set<() => void>();
  const blocked = new Set<() => void>();

  function wakeSome(): void {
    if (running > 0) return;
    const [first] = waitingAlone;
    if (first !== undefined) {
      first();
      return;
    }
    const woken = [...blocked];
    blocked.clear();
    for (const wake of woken) wake();
  }

  return {
    enter: (wake) => {
      if (alone || waitingAlone.size > 0) {
        blocked.add(wake);
        return false;
      }
      running += 1;
      return true;
    },
    enterAlone: (wake) => {
      const [first] = waitingAlone;
      if (running > 0 || (first !== undefined && first !== wake)) {
        waitingAlone.add(wake);
        return false;
      }
      waitingAlone.delete(wake);
      alone = true;
      running = 1;
      return true;
    },
    forget: (wake) => {
      if (waitingAlone.delete(wake)) wakeSome();
    },
    leave: () => {
      running -= 1;
      if (running === 0) alone = false;
      if (running === 0) wakeSome();
    },
  };
}
