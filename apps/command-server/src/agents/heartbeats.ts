import type { Clock, Logger } from "@fleetwire/service";
import type { CommandStore, SessionHeartbeat, StaleSession } from "../store/command-store.ts";
import { repeat, type Repetition } from "./repeat.ts";
import type { AgentSession } from "./session.ts";
import { staleDetail } from "./session-endings.ts";

const beatsPerCall = 1_000;

export interface Heartbeats {
  add(beat: SessionHeartbeat): void;
  start(): void;
  stop(): Promise<void>;
}

/**
 * Writes agents' heartbeats together, the last of each, and ends the sessions that the store doesn't count as current
 * any more. Also looks once a second (or more often, for short timeouts) for agents that have gone silent.
 */
export function createHeartbeats(o: {
  store: CommandStore;
  sessions: ReadonlyMap<string, AgentSession>;
  flushMs: number;
  timeoutMs: number;
  log: Logger;
  clock: Clock;
}): Heartbeats {
  let waiting = new Map<string, SessionHeartbeat>();
  const checkMs = Math.max(10, Math.min(1_000, o.timeoutMs / 5));
  let rounds: Repetition[] = [];
  let lastCheckMs = 0;

  async function flush(): Promise<void> {
    const beats = [...waiting.values()];
    waiting = new Map();
    for (let from = 0; from < beats.length; from += beatsPerCall) {
      const stale = await o.store.heartbeat(beats.slice(from, from + beatsPerCall)).catch((error: unknown) => {
        keep(beats.slice(from));
        throw error;
      });
      endStale(stale, beats);
    }
  }

  /** What couldn't be written is written next time, unless a newer one has come. */
  function keep(beats: readonly SessionHeartbeat[]): void {
    for (const beat of beats) {
      if (o.sessions.get(beat.agentId)?.epoch === beat.epoch && !waiting.has(beat.agentId))
        waiting.set(beat.agentId, beat);
    }
  }

  function endStale(stale: readonly StaleSession[], beats: readonly SessionHeartbeat[]): void {
    if (stale.length === 0) return;
    const epochs = new Map(beats.map((beat) => [beat.agentId, beat.epoch]));
    for (const { agentId, why } of stale) {
      const session = o.sessions.get(agentId);
      if (session?.epoch === epochs.get(agentId)) session?.end(why, staleDetail[why]);
    }
  }

  /** What agents sent while this process stood still is read only after this: they aren't blamed for it. */
  async function checkAlive(): Promise<void> {
    const nowMs = o.clock.monotonicMs();
    const lateMs = nowMs - lastCheckMs - checkMs;
    lastCheckMs = nowMs;
    for (const session of o.sessions.values()) session.checkAlive(lateMs > checkMs ? lateMs : 0);
  }

  function start(): void {
    lastCheckMs = o.clock.monotonicMs();
    const onError = (error: unknown): void => o.log.warn({ err: error }, "heartbeats couldn't be stored");
    rounds = [repeat(o.flushMs, flush, onError), repeat(checkMs, checkAlive, onError)];
  }

  async function stop(): Promise<void> {
    await Promise.all(rounds.map((round) => round.stop()));
    rounds = [];
  }

  return { add: (beat) => waiting.set(beat.agentId, beat), start, stop };
}
