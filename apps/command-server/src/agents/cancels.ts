import type { Logger } from "@fleetwire/service";
import type { CommandStore } from "../store/command-store.ts";
import { repeat, type Repetition } from "./repeat.ts";
import type { AgentSession } from "./session.ts";

// Lookups at once after signals, and agents looked at in each round of the safety net.
const lookupsAtOnce = 8;
const agentsPerRound = 50;

export interface Cancels {
  /** A cancel was asked for of commands that these agents have. */
  signalled(agentIds: readonly string[]): void;
  start(): void;
  stop(): Promise<void>;
}

/**
 * Tells agents which of their commands are to be cancelled: at once when signalled, and, as signals can get lost, by
 * looking at some of the busy sessions in every round.
 */
export function createCancels(o: {
  store: CommandStore;
  sessions: ReadonlyMap<string, AgentSession>;
  roundMs: number;
  log: Logger;
}): Cancels {
  const waiting = new Set<string>();
  const lookups = new Set<Promise<void>>();
  let round: Repetition | null = null;
  let rotation: string[] = [];
  let stopped = false;

  function signalled(agentIds: readonly string[]): void {
    for (const agentId of agentIds) if (o.sessions.has(agentId)) waiting.add(agentId);
    pump();
  }

  function pump(): void {
    for (const agentId of waiting) {
      if (stopped || lookups.size >= lookupsAtOnce) return;
      waiting.delete(agentId);
      const lookup = tell(agentId).finally(() => {
        lookups.delete(lookup);
        pump();
      });
      lookups.add(lookup);
    }
  }

  async function tell(agentId: string): Promise<void> {
    const session = o.sessions.get(agentId);
    if (!session) return;
    try {
      for (const run of await o.store.pendingCancels(agentId)) session.reports.cancel(run);
    } catch (error) {
      o.log.warn({ err: error, agentId }, "cancels couldn't be looked up; the next round will");
      rotation.unshift(agentId);
    }
  }

  async function lookAround(): Promise<void> {
    if (rotation.length === 0) {
      rotation = [...o.sessions.values()]
        .filter((session) => session.slots.running > 0)
        .map((session) => session.agentId);
    }
    signalled(rotation.splice(0, agentsPerRound));
  }

  function start(): void {
    round = repeat(o.roundMs, lookAround, (error) => o.log.error({ err: error }, "cancels couldn't be looked for"));
  }

  async function stop(): Promise<void> {
    stopped = true;
    await round?.stop();
    await Promise.all(lookups);
  }

  return { signalled, start, stop };
}
