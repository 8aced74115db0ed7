import type { Clock, Logger } from "@fleetwire/service";
import { type Backoff, createBackoff } from "./backoff.ts";
import { openSession, type Session, type SessionEnd, type SessionOwner } from "./session.ts";
import type { OpenStream } from "./stream.ts";

/** Why the server doesn't want this agent any more. */
export interface Dismissal {
  reason: "superseded" | "revoked" | "other";
  message: string;
}

export interface Connection {
  /** Resolves when the server has dismissed the agent for good; never after `close`. */
  dismissed: Promise<Dismissal>;
  /** Ends the stream after what was written, and connects no more. */
  close(): Promise<void>;
}

export interface ConnectionOptions {
  open: OpenStream;
  owner: SessionOwner;
  /** Called when the server doesn't know the agent; a try to enrol it again. */
  enrolAgain: () => Promise<void>;
  clock: Clock;
  log: Logger;
  random?: () => number;
}

// A session this long was a good one: the next break starts from the shortest wait again.
const steadyMs = 5_000;
// However long a server sends the agent away for; also, Node's timers end at 24 days and then fire at once.
const longestAwayMs = 600_000;

/** Codes of streams that a server ended for good. */
const revokedCodes: ReadonlySet<string> = new Set(["agent_revoked", "revoked"]);
const unknownCodes: ReadonlySet<string> = new Set(["agent_unknown", "not_enrolled"]);

/**
 * Keeps one session open, for ever:
 *
 *   from        to          when
 *   connecting  connected   Welcome
 *   connecting  waiting     the stream ended, whatever its status (CANCELLED too)
 *   connected   waiting     the same, or GoAway; the wait is GoAway.afterMs, else backoff with full jitter (0.25 s → 30 s)
 *   waiting     connecting  the wait is over
 *   any         dismissed   GoAway that says not to come back, or a stream refused because the agent was revoked
 *   any         closed      `close`
 *
 * `agent_id_in_use` is tried again too, more slowly: the other holder may be this agent's own old session.
 */
export function keepConnected(options: ConnectionOptions): Connection {
  const { open, owner, enrolAgain, clock, log } = options;
  const jitter = options.random === undefined ? {} : { random: options.random };
  const backoff = createBackoff({ baseMs: 250, capMs: 30_000, ...jitter });
  const slowBackoff = createBackoff({ baseMs: 2_000, capMs: 15_000, ...jitter });
  const dismissed = Promise.withResolvers<Dismissal>();
  const closing = Promise.withResolvers<void>();
  let closed = false;
  let session: Session | null = null;

  async function run(): Promise<void> {
    while (!closed) {
      const openedMs = clock.monotonicMs();
      session = openSession({ open, owner, clock, log });
      const end = await session.ended;
      session = null;
      if (closed) return;
      if (end.welcomed && clock.monotonicMs() - openedMs > steadyMs) {
        backoff.reset();
        slowBackoff.reset();
      }
      const verdict = judge(end);
      if (verdict !== null) {
        closed = true;
        dismissed.resolve(verdict);
        return;
      }
      if (end.kind === "ended" && unknownCodes.has(end.end.code)) await enrolAgain();
      const waitMs = waitAfter(end, backoff, slowBackoff);
      report(end, waitMs);
      await pause(waitMs);
    }
  }

  function report(end: SessionEnd, waitMs: number): void {
    if (end.kind === "go_away") {
      const { reason, message } = end.goAway;
      log.info({ reason, message, waitMs }, "sent away by the server: connecting again later");
      return;
    }
    const { status, code, details } = end.end;
    if (code === "agent_id_in_use") {
      log.error({ code, details, waitMs }, "another agent holds this id: connecting again later");
    } else {
      log.warn({ status, code, details, waitMs }, end.welcomed ? "disconnected" : "can't connect");
    }
  }

  async function pause(ms: number): Promise<void> {
    const { promise, resolve } = Promise.withResolvers<void>();
    const timer = setTimeout(resolve, ms);
    await Promise.race([promise, closing.promise]);
    clearTimeout(timer);
  }

  const running = run();
  return {
    dismissed: dismissed.promise,
    async close() {
      closed = true;
      closing.resolve();
      session?.close();
      await running;
    },
  };
}

function judge(end: SessionEnd): Dismissal | null {
  if (end.kind === "ended") {
    return revokedCodes.has(end.end.code) ? { reason: "revoked", message: end.end.details } : null;
  }
  if (end.goAway.reconnect) return null;
  const reasons = { GO_AWAY_REASON_SUPERSEDED: "superseded", GO_AWAY_REASON_REVOKED: "revoked" } as const;
  const reason = end.goAway.reason in reasons ? reasons[end.goAway.reason as keyof typeof reasons] : "other";
  return { reason, message: end.goAway.message };
}

function waitAfter(end: SessionEnd, backoff: Backoff, slowBackoff: Backoff): number {
  if (end.kind === "go_away") return Math.min(end.goAway.afterMs, longestAwayMs);
  return end.end.code === "agent_id_in_use" ? 1_000 + slowBackoff.next() : backoff.next();
}
