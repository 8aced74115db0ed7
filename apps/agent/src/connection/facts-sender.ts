import type { Logger } from "@fleetwire/service";
import type { Link } from "./session.ts";

export interface FactsSender {
  attach(link: Link): void;
  detach(): void;
  /** The server has stored what was sent last. */
  acknowledged(): void;
}

/**
 * Sends the agent's facts by itself: some time after each Welcome, at random within `delayMs`, so that a herd of agents
 * doesn't send all at once; then every `intervalMs` (0: never). Only what is news since the server acknowledged the last
 * is sent.
 */
export function createFactsSender(options: {
  collect: () => Promise<{ json: string; news: string }>;
  intervalMs: number;
  delayMs: number;
  random: () => number;
  log: Logger;
}): FactsSender {
  const { collect, intervalMs, delayMs, random, log } = options;
  let known: string | null = null;
  let sent: string | null = null;
  let timer: NodeJS.Timeout | undefined;
  let current: Link | null = null;

  async function look(link: Link): Promise<void> {
    try {
      const { json, news } = await collect();
      if (link === current && news !== known && (await link.send({ facts: { json } }))) sent = news;
    } catch (err) {
      log.warn({ err }, "facts can't be gathered");
    }
    if (link === current) schedule(link, intervalMs);
  }

  function schedule(link: Link, afterMs: number): void {
    timer = setTimeout(() => void look(link), afterMs);
  }

  return {
    attach(link) {
      current = link;
      sent = null;
      if (intervalMs > 0 && link.takesFacts) schedule(link, random() * delayMs);
    },
    detach() {
      current = null;
      clearTimeout(timer);
    },
    acknowledged() {
      known = sent ?? known;
    },
  };
}
