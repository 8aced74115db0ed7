import { randomInt } from "node:crypto";
import type { AgentServiceHandlers } from "@fleetwire/proto";
import type { Clock, Logger } from "@fleetwire/service";
import type { Registry } from "prom-client";
import { disconnectReasons, type CommandStore, type SessionSignals } from "../store/command-store.ts";
import { createAdmission } from "./admission.ts";
import type { AgentStream } from "./agent-stream.ts";
import { createCancels } from "./cancels.ts";
import { createConnectHandler } from "./connect.ts";
import { createDistributor } from "./distributor.ts";
import { createEnrolHandler } from "./enrol.ts";
import { createFactsWriter } from "./facts-writer.ts";
import { FixedDelay } from "./fixed-delay.ts";
import type { Greeted } from "./greet.ts";
import { createHeartbeats } from "./heartbeats.ts";
import { createHousekeeping } from "./housekeeping.ts";
import type { HeldStart } from "./run-reports.ts";
import type { Run } from "./run-slots.ts";
import type { AgentSession, SessionContext } from "./session.ts";
import { createSessionMetrics, initDisconnects } from "./session-metrics.ts";
import { defaultSessionSettings, type SessionSettings } from "./session-settings.ts";
import { StopSignal } from "./stop-signal.ts";
import { within } from "./within.ts";

/** The agents' side of a command-server. */
export interface AgentSessionsHost {
  /** For `server.addService(AgentService.service, handlers)`. */
  handlers: AgentServiceHandlers;
  /** Begins to distribute commands and to keep house. */
  start(): void;
  /** Sessions open on this server. */
  count(): number;
  /** Sends every agent elsewhere: takes no new ones, stores the reports that have come, and ends the sessions. Takes at most about `withinMs`. */
  goAway(o: { withinMs: number }): Promise<void>;
  /** Ends what is left without waiting for agents; no timer remains. */
  close(): Promise<void>;
}

/**
 * Agents' sessions of one server. Listens to the store's signals from here on; `start` begins the work by the clock.
 * Settings that aren't given have the documented defaults.
 */
export function createAgentSessions(o: {
  store: CommandStore;
  log: Logger;
  metrics: Registry;
  clock: Clock;
  serverId: string;
  settings?: Partial<SessionSettings>;
}): AgentSessionsHost {
  const { store, log, clock } = o;
  const settings: SessionSettings = { ...defaultSessionSettings, ...o.settings };
  const sessions = new Map<string, AgentSession>();
  // Also those that are closing: their reports are still on the way to the store.
  const unclosed = new Set<AgentSession>();
  const handshakes = new Set<AgentStream>();
  const signal = new StopSignal();
  let stopping = false;

  const metrics = createSessionMetrics(o.metrics, { connected: () => sessions.size, greeting: () => handshakes.size });
  initDisconnects(metrics, disconnectReasons);

  const parts = { store, sessions, settings, metrics, log, clock };
  const distributor = createDistributor(parts);
  const housekeeping = createHousekeeping(parts);
  const cancels = createCancels({ store, sessions, roundMs: settings.pollingIntervalMs, log });
  const heartbeats = createHeartbeats({
    store,
    sessions,
    log,
    clock,
    flushMs: settings.heartbeatFlushMs,
    timeoutMs: settings.heartbeatTimeoutMs,
  });
  const facts = createFactsWriter({ store, log, clock, pauseMs: settings.factsPauseMs });
  const heldStarts = new FixedDelay<HeldStart>(settings.startedHoldMs, clock, (held) => held.store());
  const unanswered = new FixedDelay<Run>(settings.answerTimeoutMs, clock, (run) => {
    current(run.agentId, run.epoch)?.end("answer_timeout", `command ${run.commandId} wasn't answered`);
  });

  const context: SessionContext = {
    store,
    log,
    clock,
    settings,
    metrics,
    heldStarts,
    unanswered,
    signal,
    heartbeat: ({ agentId, epoch }, { running, load1, freeMemoryBytes }) =>
      heartbeats.add({ agentId, epoch, running, load1, freeMemoryBytes }),
    facts: (session, json) => facts.add(session, json),
    freed: (session, run, refused) => distributor.freed(session, run, refused),
    ready: (session) => distributor.wake([session.agentId]),
    left: (session) => {
      if (sessions.get(session.agentId) === session) sessions.delete(session.agentId);
    },
  };

  function current(agentId: string, epoch: number): AgentSession | undefined {
    const session = sessions.get(agentId);
    return session?.epoch === epoch ? session : undefined;
  }

  function welcomed({ session, kept }: Greeted): void {
    unclosed.add(session);
    void session.closed.then(() => unclosed.delete(session));
    const other = sessions.get(session.agentId);
    if (other && other.epoch > session.epoch) {
      session.begin(kept);
      session.end("superseded", "a newer session of this agent took over");
      return;
    }
    other?.end("superseded", "a newer session of this agent took over");
    sessions.set(session.agentId, session);
    session.begin(kept);
    if (stopping) session.end("server_stopping", null);
    else distributor.arrived(session);
  }

  const signals: SessionSignals = {
    wake: (agentIds) => distributor.wake(agentIds),
    offer: (agentId, lane) => distributor.offer(agentId, lane),
    cancel: (agentIds) => cancels.signalled(agentIds),
    stop: (runs) => {
      for (const run of runs) sessions.get(run.agentId)?.reports.cancel(run);
    },
    drop: (agentId, epoch, reason) => current(agentId, epoch)?.end(reason, null),
    settleAll: () => {
      for (const session of sessions.values())
        session.end("session_lost", "the store has lost changes; what runs is settled by a new session");
    },
  };
  const unlisten = store.onSignal(signals);

  const admission = createAdmission({
    concurrency: settings.helloConcurrency,
    maxWaitMs: settings.helloWaitMs,
    maxLine: settings.helloQueueLimit,
    maxAwayMs: settings.helloAwayMs,
    clock,
  });
  const handlers: AgentServiceHandlers = {
    Enroll: createEnrolHandler({ store, log, clock }),
    Connect: createConnectHandler({
      context,
      admission,
      handshakes,
      welcomed,
      serverId: o.serverId,
      stopping: () => stopping,
    }),
  };

  function start(): void {
    distributor.start();
    housekeeping.start();
    cancels.start();
    heartbeats.start();
  }

  async function goAway({ withinMs }: { withinMs: number }): Promise<void> {
    stopping = true;
    // A store that stands still must not keep agents from being told.
    await within(withinMs / 4, distributor.stop());
    // At most about 500 agents a second come to whoever takes over.
    const spreadMs = Math.max(withinMs, 100, sessions.size * 2);
    for (const session of sessions.values()) session.sendGoAway(randomInt(0, spreadMs));
    for (const stream of handshakes) stream.finish(null);
    const open = [...sessions.values()];
    await within(withinMs / 2, Promise.all(open.map((session) => session.reports.idle())));
    for (const session of open) session.end("server_stopping", null);
    await within(withinMs / 2, Promise.all([...unclosed].map((session) => session.closed)));
  }

  async function close(): Promise<void> {
    stopping = true;
    unlisten();
    await Promise.all([distributor.stop(), housekeeping.stop(), cancels.stop(), heartbeats.stop(), facts.stop()]);
    for (const session of sessions.values()) session.end("server_stopping", null);
    for (const stream of handshakes) stream.reset();
    await within(settings.flushGraceMs, Promise.all([...unclosed].map((session) => session.closed)));
    signal.abort();
    for (const session of unclosed) session.reset();
    heldStarts.close();
    unanswered.close();
    await Promise.all([...unclosed].map((session) => session.closed));
  }

  return { handlers, start, count: () => sessions.size, goAway, close };
}
