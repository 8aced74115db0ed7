import { setTimeout as delay } from "node:timers/promises";
import type { Clock, Logger } from "@fleetwire/service";
import type { Lane } from "../commands/command.ts";
import type { AssignOutcome, AssignRequest, Assignment, CommandStore, SlotOffer } from "../store/command-store.ts";
import { FixedDelay } from "./fixed-delay.ts";
import { repeat, type Repetition } from "./repeat.ts";
import type { Run } from "./run-slots.ts";
import type { AgentSession } from "./session.ts";
import { staleDetail } from "./session-endings.ts";
import type { SessionMetrics } from "./session-metrics.ts";
import type { SessionSettings } from "./session-settings.ts";
import { backoffMs, wasNeverSent } from "./store-retry.ts";

// Agents in one statement, and statements at once.
const agentsPerStatement = 100;
const statementsAtOnce = 2;
const agentsPerPoll = 1_000;

export interface Distributor {
  start(): void;
  /** The store may have work for these agents. */
  wake(agentIds: readonly string[]): void;
  /** A slot for a command that is about to be stored; null where it has to wait its turn. */
  offer(agentId: string, lane: Lane): SlotOffer | null;
  /** A session has begun: looks whether something waits for its agent. */
  arrived(session: AgentSession): void;
  /** A slot of a session is free again; `refused`: the agent wouldn't take the work that was in it. */
  freed(session: AgentSession, run: Run, refused: boolean): void;
  /** Gives nothing more away; resolves when what was assigned is on its way. */
  stop(): Promise<void>;
}

/**
 * Gives queued commands to the sessions of this server that have free slots.
 *
 * A session that may have work (it began, was woken, has a slot free where the last statement gave all that was asked
 * for, or was found by the poll) is marked; a pump takes many marked ones into one statement and goes on while there
 * are any. A command that is stored while its agent has nothing waiting and a slot free is assigned in that same step:
 * its session offers the slot. A session is in at most one statement or offer at a time, so that its slots aren't given
 * twice and its frames go out in order. Nothing here is done for every session for each command.
 */
export function createDistributor(o: {
  store: CommandStore;
  sessions: ReadonlyMap<string, AgentSession>;
  settings: SessionSettings;
  metrics: SessionMetrics;
  log: Logger;
  clock: Clock;
}): Distributor {
  const { store, sessions, settings, metrics, log } = o;
  const marked = new Set<AgentSession>();
  const asking = new Set<AgentSession>();
  const statements = new Set<Promise<void>>();
  const offers = new Set<Promise<void>>();
  let newcomers = new Set<string>();
  let greeting: Promise<void> | null = null;
  const paused = new FixedDelay<AgentSession>(settings.refusalPauseMs, o.clock, mark);
  const stopping = new AbortController();
  let poll: Repetition | null = null;
  let storeLost = false;

  function mark(session: AgentSession): void {
    session.mayHaveMore.work = true;
    session.mayHaveMore.control = true;
    marked.add(session);
    pump();
  }

  function wake(agentIds: readonly string[]): void {
    for (const agentId of agentIds) {
      const session = sessions.get(agentId);
      if (!session) continue;
      session.mayHaveMore.work = true;
      session.mayHaveMore.control = true;
      marked.add(session);
    }
    pump();
  }

  /**
   * For most agents nothing waits, least of all when thousands come at once. Looking for many costs one read; to assign
   * would lock the row of each.
   */
  function arrived({ agentId }: AgentSession): void {
    newcomers.add(agentId);
    greeting ??= greetAll().finally(() => (greeting = null));
  }

  async function greetAll(): Promise<void> {
    await Promise.resolve();
    while (newcomers.size > 0 && !stopping.signal.aborted) {
      const agentIds = [...newcomers].slice(0, agentsPerPoll);
      newcomers = new Set([...newcomers].slice(agentsPerPoll));
      // What can't be asked now is found by the poll.
      await store.agentsWithWork(agentIds).then(wake, pollFailed);
    }
  }

  function freed(session: AgentSession, run: Run, refused: boolean): void {
    if (refused) paused.add(session);
    else if (session.mayHaveMore[run.lane]) {
      marked.add(session);
      pump();
    }
  }

  function pump(): void {
    if (stopping.signal.aborted || storeLost) return;
    while (statements.size < statementsAtOnce) {
      const batch = takeBatch();
      if (batch.size === 0) return;
      const statement = assign(batch).finally(() => {
        statements.delete(statement);
        pump();
      });
      statements.add(statement);
    }
  }

  function takeBatch(): Map<AgentSession, AssignRequest> {
    const batch = new Map<AgentSession, AssignRequest>();
    for (const session of marked) {
      if (batch.size === agentsPerStatement) break;
      if (asking.has(session)) continue;
      marked.delete(session);
      const request = requestFor(session);
      if (request) batch.set(session, request);
    }
    return batch;
  }

  function requestFor(session: AgentSession): AssignRequest | null {
    if (!session.open || paused.has(session)) return null;
    const work = session.draining ? 0 : Math.min(session.slots.free("work"), settings.batchSize);
    const control = Math.min(session.slots.free("control"), settings.batchSize);
    return work + control === 0 ? null : { agentId: session.agentId, epoch: session.epoch, work, control };
  }

  function offer(agentId: string, lane: Lane): SlotOffer | null {
    const session = sessions.get(agentId);
    if (session === undefined || stopping.signal.aborted || storeLost) return null;
    // Something may wait that is before this one.
    if (marked.has(session) || asking.has(session)) return null;
    const request = requestFor(session);
    if (request === null || request[lane] === 0) return null;
    asking.add(session);
    const { promise, resolve } = Promise.withResolvers<void>();
    offers.add(promise);
    // What is told after the first answer is about another offer, or nobody's.
    const once = (conclude: () => void): void => {
      if (!offers.delete(promise)) return;
      asking.delete(session);
      conclude();
      if (marked.has(session)) pump();
      resolve();
    };
    return {
      epoch: session.epoch,
      settle: (assignment) =>
        once(() => {
          if (assignment === null) return;
          assigned(assignment);
          session.give(assignment);
        }),
      failed: (error) => once(() => settle([session], wasNeverSent(error))),
    };
  }

  async function assign(batch: Map<AgentSession, AssignRequest>): Promise<void> {
    for (const session of batch.keys()) asking.add(session);
    try {
      deliver(batch, await store.assign([...batch.values()]));
    } catch (error) {
      log.warn({ err: error, agents: batch.size }, "commands couldn't be assigned");
      await untilBack();
      settle([...batch.keys()], wasNeverSent(error));
    } finally {
      for (const session of batch.keys()) asking.delete(session);
    }
  }

  function deliver(batch: Map<AgentSession, AssignRequest>, outcome: AssignOutcome): void {
    const given = new Map<string, Assignment[]>();
    for (const assignment of outcome.assignments) {
      const list = given.get(assignment.agentId);
      if (list) list.push(assignment);
      else given.set(assignment.agentId, [assignment]);
      assigned(assignment);
    }
    for (const [session, request] of batch) give(session, request, given.get(session.agentId) ?? []);
    for (const { agentId, why } of outcome.stale) {
      const session = sessions.get(agentId);
      if (session && batch.has(session)) session.end(why, staleDetail[why]);
    }
  }

  function assigned({ commandId, agentId, epoch, attempt, assignNo, waitedMs }: Assignment): void {
    log.debug({ commandId, agentId, epoch, attempt, assignNo, waitedMs }, "command assigned");
    metrics.assigned.inc();
    metrics.dispatchLatency.observe(waitedMs / 1_000);
  }

  /** A session that ended meanwhile is given nothing: the agent's next Hello says that it doesn't hold these. */
  function give(session: AgentSession, request: AssignRequest, assignments: readonly Assignment[]): void {
    for (const assignment of assignments) session.give(assignment);
    if (marked.has(session)) return;
    for (const lane of ["work", "control"] as const) {
      const count = assignments.filter((assignment) => assignment.lane === lane).length;
      // Not asked for because nothing was free: still not known.
      if (request[lane] > 0) session.mayHaveMore[lane] = count >= request[lane];
      if (session.mayHaveMore[lane] && session.slots.free(lane) > 0 && !(lane === "work" && session.draining)) {
        marked.add(session);
      }
    }
  }

  async function untilBack(): Promise<void> {
    storeLost = true;
    for (let attempt = 0; storeLost && !stopping.signal.aborted; attempt += 1) {
      // Rejects when this stops.
      await delay(backoffMs(attempt), undefined, { signal: stopping.signal }).catch(() => {});
      storeLost = await store.ping().then(
        () => false,
        () => true,
      );
    }
  }

  /**
   * What becomes of sessions whose statement failed. Where it may have assigned something, frames for that would never
   * be sent: these sessions end, and the agents' next hellos settle it.
   */
  function settle(asked: readonly AgentSession[], neverSent: boolean): void {
    for (const session of asked) {
      if (neverSent) marked.add(session);
      else session.end("answer_timeout", "whether the store had assigned work wasn't known");
    }
  }

  async function pollOnce(): Promise<void> {
    if (storeLost) return;
    const idle = [...sessions.values()].filter((session) => requestFor(session) !== null);
    for (let from = 0; from < idle.length; from += agentsPerPoll) {
      const agentIds = idle.slice(from, from + agentsPerPoll).map((session) => session.agentId);
      wake(await store.agentsWithWork(agentIds));
    }
  }

  function pollFailed(error: unknown): void {
    log.warn({ err: error }, "queued commands couldn't be looked for");
  }

  function start(): void {
    poll = repeat(settings.pollingIntervalMs, pollOnce, pollFailed);
  }

  async function stop(): Promise<void> {
    stopping.abort();
    paused.close();
    await poll?.stop();
    await greeting;
    await Promise.all([...statements, ...offers]);
  }

  return { start, wake, offer, arrived, freed, stop };
}
