import type { Logger } from "@fleetwire/service";
import type { CommandStore } from "../store/command-store.ts";
import { repeat, type Repetition } from "./repeat.ts";
import type { SessionMetrics } from "./session-metrics.ts";
import type { SessionSettings } from "./session-settings.ts";

const sweepLimit = 500;

export interface Housekeeping {
  start(): void;
  stop(): Promise<void>;
}

/**
 * What a server does by the clock: says that it lives, declares commands expired and timed out (the store signals
 * whoever holds the agents that still run them), and removes what is past its keep.
 */
export function createHousekeeping(o: {
  store: CommandStore;
  settings: SessionSettings;
  metrics: SessionMetrics;
  log: Logger;
}): Housekeeping {
  const { store, settings } = o;
  let rounds: Repetition[] = [];
  const stopping = new AbortController();

  async function sweep(): Promise<void> {
    for (let due = sweepLimit; due >= sweepLimit && !stopping.signal.aborted;) {
      const ended = await store.sweep(sweepLimit);
      for (const { commandId, agentId, attempt, status } of ended) {
        o.metrics.finished.inc({ status });
        o.log.info({ commandId, agentId, attempt, status }, "a command's time was over");
      }
      due = ended.length;
    }
  }

  async function cleanup(): Promise<void> {
    for (let more = true; more && !stopping.signal.aborted;) ({ more } = await store.cleanup());
  }

  /** Only while it is the feed that is over its bound; records wait for the full round. */
  async function trimFeed(): Promise<void> {
    for (let more = true; more && !stopping.signal.aborted;) {
      const removed = await store.cleanup();
      more = removed.more && removed.feed > 0;
    }
  }

  function failed(what: string): (error: unknown) => void {
    return (error) => o.log.warn({ err: error }, what);
  }

  function start(): void {
    const lives = failed("this server couldn't say that it lives");
    void store.serverHeartbeat().catch(lives);
    rounds = [
      repeat(settings.heartbeatIntervalMs, () => store.serverHeartbeat(), lives),
      repeat(settings.sweepIntervalMs, sweep, failed("due commands couldn't be looked for")),
      repeat(settings.cleanupIntervalMs, cleanup, failed("old records couldn't be removed")),
      repeat(settings.feedTrimIntervalMs, trimFeed, failed("the feed couldn't be trimmed")),
    ];
  }

  async function stop(): Promise<void> {
    stopping.abort();
    await Promise.all(rounds.map((round) => round.stop()));
    rounds = [];
  }

  return { start, stop };
}
