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
