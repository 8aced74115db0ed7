const longestMs = 60_000;
const firstMs = 250;

/**
 * How long to wait before the next attempt to connect, after `attempts` in a row that failed (0: the connection was
 * just lost): at once but for a quarter of a second of jitter, since most losses are a node that went and its
 * neighbours are there; then `delayMs` doubled each time, at most a minute, between half of it and all of it.
 */
export function reconnectDelayMs(attempts: number, delayMs: number, random: () => number): number {
  if (attempts === 0) return random() * firstMs;
  const ceiling = Math.min(Math.max(longestMs, delayMs), delayMs * 2 ** Math.min(attempts - 1, 30));
  return ceiling * (0.5 + random() / 2);
}
