/** Waits for what may never answer, `ms` at most; how it ends doesn't matter. */
export async function atMost(ms: number, work: Promise<unknown>): Promise<void> {
  const { promise: late, resolve } = Promise.withResolvers<void>();
  const timer = setTimeout(resolve, ms);
  try {
    await Promise.race([work, late]);
  } catch {
    // it failed: it is over too
  }
  clearTimeout(timer);
}
