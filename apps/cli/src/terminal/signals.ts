/** Calls `listener` with 1, 2, … at each Ctrl-C, which no longer ends the process. Returns what undoes it. */
export function onInterrupt(listener: (count: number) => void): () => void {
  let count = 0;
  const onSignal = () => {
    count += 1;
    listener(count);
  };
  process.on("SIGINT", onSignal);
  return () => process.off("SIGINT", onSignal);
}

/** Calls `listener` before a signal ends the process, which it does all the same. Returns what undoes it. */
export function onTermination(listener: () => void): () => void {
  const signals = ["SIGTERM", "SIGHUP"] as const;
  const undo = () => signals.forEach((signal) => process.off(signal, onSignal));
  const onSignal = (signal: NodeJS.Signals) => {
    undo();
    listener();
    process.kill(process.pid, signal);
  };
  for (const signal of signals) process.on(signal, onSignal);
  return undo;
}

/** Calls `listener` before Ctrl-Z suspends the process, which it does all the same. Returns what undoes it. */
export function onSuspend(listener: () => void): () => void {
  const onStop = () => {
    listener();
    process.kill(process.pid, "SIGSTOP");
  };
  process.on("SIGTSTP", onStop);
  return () => process.off("SIGTSTP", onStop);
}
