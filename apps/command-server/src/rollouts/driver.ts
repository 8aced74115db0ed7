import type { Logger } from "@fleetwire/service";
import { repeat, type Repetition } from "../agents/repeat.ts";
import type { AdvanceOutcome, CommandStore } from "../store/command-store.ts";
import type { RolloutMetrics } from "./rollout-metrics.ts";

export interface DriverSettings {
  /** Commands queued by one step. */
  stepSize: number;
  /** Ends of commands this close together are answered by one look. */
  coalesceMs: number;
  /** The safety net: how often running rollouts are looked for. */
  intervalMs: number;
}

const defaultDriverSettings: DriverSettings = { stepSize: 500, coalesceMs: 20, intervalMs: 1_000 };

/** A look is followed by a rest this many times as long, so that with very many rollouts looking isn't all that is done. */
const restPerLook = 4;

export interface RolloutDriver {
  start(): void;
  /** A rollout was stored on this server. */
  begun(rolloutId: string): void;
  /** No more steps; resolves when the one under way is over. */
  stop(): Promise<void>;
}

/**
 * Moves rollouts on: queues their next commands, halts and ends them. Any number of servers do so at once; the store makes
 * each step one. Rollouts are looked at when this server stored one, after commands ended (the feed grew) while any runs,
 * and every second, which also finds those of other servers. One step at a time, in turn, so that a large one neither holds
 * up the others nor the event loop.
 */
export function createRolloutDriver(o: {
  store: CommandStore;
  log: Logger;
  metrics: RolloutMetrics;
  settings?: Partial<DriverSettings>;
}): RolloutDriver {
  const { store, log, metrics } = o;
  const settings = { ...defaultDriverSettings, ...o.settings };
  const due = new Set<string>();
  let stepping: Promise<void> | null = null;
  let looking: Promise<void> | null = null;
  let soon: NodeJS.Timeout | null = null;
  let again = false;
  let unsubscribe: (() => void) | null = null;
  let rounds: Repetition | null = null;
  let started = false;
  let stopped = false;
  let failing = false;
  let lastLookMs = 0;

  function begun(rolloutId: string): void {
    metrics.started();
    due.add(rolloutId);
    follow(true);
    pump();
  }

  /** Listens to the feed only while it matters. */
  function follow(wanted: boolean): void {
    if (wanted && started && !stopped) unsubscribe ??= store.onFeed(hinted);
    else {
      unsubscribe?.();
      unsubscribe = null;
    }
  }

  function hinted(): void {
    if (looking !== null) again = true;
    else lookSoon();
  }

  function lookSoon(): void {
    if (stopped) return;
    const afterMs = Math.max(settings.coalesceMs, restPerLook * lastLookMs);
    soon ??= setTimeout(() => {
      soon = null;
      void look();
    }, afterMs);
  }

  function look(): Promise<void> {
    looking ??= lookOnce().finally(() => {
      looking = null;
    });
    return looking;
  }

  async function lookOnce(): Promise<void> {
    again = false;
    const began = performance.now();
    try {
      const active = await store.activeRollouts();
      const running = active.filter(({ status }) => status === "running");
      metrics.active(running.length);
      for (const rollout of active) if (rollout.due) due.add(rollout.rolloutId);
      follow(active.length > 0 || due.size > 0);
      report(null);
      pump();
    } catch (error) {
      report(error);
    }
    lastLookMs = performance.now() - began;
    if (again) lookSoon();
  }

  function pump(): void {
    if (!started || stopped || stepping !== null || due.size === 0) return;
    stepping = stepAll().finally(() => {
      stepping = null;
      pump();
    });
  }

  /** In turn: who has more to do goes to the end of the line. */
  async function stepAll(): Promise<void> {
    for (const rolloutId of due) {
      if (stopped) return;
      due.delete(rolloutId);
      try {
        const outcome = await store.advanceRollout(rolloutId, settings.stepSize);
        if (outcome === null) continue;
        account(rolloutId, outcome);
        if (outcome.more) due.add(rolloutId);
        report(null);
      } catch (error) {
        // The next round finds it again.
        report(error);
      }
    }
  }

  function account(rolloutId: string, { type, queued, cancelled, ended }: AdvanceOutcome): void {
    metrics.advanced({ type, queued, cancelled });
    if (ended === null) return;
    const { companyId, status, counts } = ended;
    metrics.ended(status, 0);
    log.info({ rolloutId, companyId, status, ...counts }, "rollout ended");
  }

  /** One line per outage, not one a second. */
  function report(error: unknown): void {
    if (error !== null && !failing) log.warn({ err: error }, "rollouts can't be moved on; trying on");
    failing = error !== null;
  }

  function start(): void {
    started = true;
    rounds = repeat(settings.intervalMs, look, report);
    void look();
  }

  async function stop(): Promise<void> {
    stopped = true;
    follow(false);
    if (soon !== null) clearTimeout(soon);
    await rounds?.stop();
    await Promise.all([looking, stepping]);
  }

  return { start, begun, stop };
}
