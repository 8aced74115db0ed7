/** Something that is done again and again. */
export interface Repetition {
  /** No more rounds; resolves when the one that runs is over. */
  stop(): Promise<void>;
}

/** Runs a task every `intervalMs`, never twice at once: a round that takes longer leaves the next ones out. */
export function repeat(intervalMs: number, task: () => Promise<void>, onError: (error: unknown) => void): Repetition {
  let running: Promise<void> | null = null;
  const timer = setInterval(() => {
    running ??= task()
      .catch(onError)
      .finally(() => (running = null));
  }, intervalMs);

  async function stop(): Promise<void> {
    clearInterval(timer);
    await running;
  }

  return { stop };
}
