// Agents' live sessions, their fencing and their reconciliation. See `../command-store.ts` for what every method promises.
import type { JsonObject, Lane } from "../../commands/command.ts";
import type { Assignment } from "./dispatch.ts";

export interface HeldCommand {
  commandId: string;
  assignNo: number;
  attempt: number;
  state: "running" | "done" | "refused";
}

export interface AgentProfile {
  fleet: string;
  labels: Record<string, string>;
  /** Types with their parameters' JSON Schema (null: any object). */
  types: { type: string; parametersSchema: JsonObject | null }[];
  concurrency: number;
  hostname: string;
  platform: string;
  version: string;
  draining: boolean;
}

export interface OpenSession {
  agentId: string;
  ledgerId: string;
  seenEpoch: number;
  highest: number;
  horizon: number;
  bootId: string;
  held: readonly HeldCommand[];
  profile: AgentProfile;
}

/** A command that the agent goes on with, or still owes a result for. */
export interface KeptRun {
  commandId: string;
  assignNo: number;
  attempt: number;
  lane: Lane;
  /** Stored end of its output: the agent resumes there. */
  outputEnd: number;
  cancelRequested: boolean;
}

export type OpenSessionOutcome =
  | {
      kind: "opened";
      /** max(stored, seenEpoch) + 1. */
      epoch: number;
      companyId: string;
      fleet: string;
      /** The session it replaced, when that was still open: on this server it is to be told, on another one it was signalled. */
      superseded: { serverId: string; epoch: number } | null;
      kept: KeptRun[];
      /**
       * Held runs that aren't current any more: the agent is to end them. Not among them is one whose command waits in
       * the queue for this agent as the same attempt: a store that lost its last moments has forgotten that it gave it
       * out. It is given out again, and the agent goes on with its run under the new number.
       */
      stop: HeldCommand[];
      /** Back to `queued`: the agent never had them, or had refused them. */
      requeued: string[];
      /** Ended `failed`, `ledger_lost`. */
      lost: string[];
    }
  /** `highest` is below what this ledger had reported: open again with a new ledger id and nothing held. */
  | { kind: "restored_copy" }
  /** Another ledger holds the id, and its heartbeats are fresh. */
  | { kind: "in_use"; serverId: string; lastSeenMs: number }
  | { kind: "agent_unknown" }
  | { kind: "revoked" };

export interface SessionHeartbeat {
  agentId: string;
  epoch: number;
  running: number;
  load1: number;
  freeMemoryBytes: number;
}

/**
 * A session that a server holds and the store doesn't count as current. `superseded`: a newer one took over. `session_lost`: nobody has the
 * agent as far as the store knows: it had closed the session (for its server's silence, say), or has forgotten it.
 */
export interface StaleSession {
  agentId: string;
  why: "superseded" | "session_lost";
}

export const disconnectReasons = [
  "agent_closed",
  "connection_lost",
  "heartbeat_timeout",
  "answer_timeout",
  "superseded",
  "revoked",
  "protocol_error",
  "send_queue_full",
  "server_stopping",
  "server_lost",
  "session_lost",
] as const;
export type DisconnectReason = (typeof disconnectReasons)[number];

/** How many of an agent's sessions are kept. */
export const keptSessions = 50;

/** One session of an agent, past or present. */
export interface SessionRecord {
  epoch: number;
  serverId: string;
  connectedAt: Date;
  /** Null while it is open; the reason is null then too. */
  disconnectedAt: Date | null;
  reason: DisconnectReason | null;
  detail: string | null;
}

/** A run that the store has ended, and that its agent may still be busy with. */
export interface EndedRun {
  agentId: string;
  commandId: string;
  attempt: number;
  assignNo: number;
}

/**
 * A slot that a session of this server keeps free for one command while it is stored. One of the two is called in the end; the
 * first call counts.
 */
export interface SlotOffer {
  epoch: number;
  /** The command was assigned to the session in the step that stored it; null: it wasn't, and where it waits a wake follows. */
  settle(assignment: Assignment | null): void;
  /** Whether it was stored and assigned isn't known. */
  failed(error: unknown): void;
}

/** Signals for the sessions that this server holds. Hints: a lost one is made good by the poll, or by the agent's next report. */
export interface SessionSignals {
  /** New work for these agents. */
  wake(agentIds: readonly string[]): void;
  /** A cancel was asked for: see `pendingCancels`. */
  cancel(agentIds: readonly string[]): void;
  /** `sweep` has ended these runs, here or on another server: their agents are to end them too. */
  stop(runs: readonly EndedRun[]): void;
  /** This session is over. */
  drop(agentId: string, epoch: number, reason: "superseded" | "revoked"): void;
  /**
   * The store has lost changes that it had acknowledged: what it and the agents believe may differ. All sessions of this server are to
   * be opened anew, which settles each run.
   */
  settleAll?(): void;
  /**
   * Asked before a command is stored: an offer saves it the way through the queue. Null: it waits its turn. The store
   * takes an offer only where nothing waits before the command.
   */
  offer?(agentId: string, lane: Lane): SlotOffer | null;
}

export interface AgentSessions {
  /**
   * Begins a session and settles, in the same step, every assigned command of the agent against what it holds:
   * held and running: kept (and marked started); held and done: kept until its result; refused: requeued, or cancelled where a cancel was asked for;
   * not held, same ledger, above the horizon: requeued; else `ledger_lost` (attempt + 1 where idempotent or its retry policy allows).
   */
  openSession(session: OpenSession): Promise<OpenSessionOutcome>;
  /** Resolves to the sessions that aren't current any more, in the order of `beats`. */
  heartbeat(beats: readonly SessionHeartbeat[]): Promise<StaleSession[]>;
  updateProfile(agentId: string, epoch: number, profile: AgentProfile): Promise<void>;
  /** Also writes `agent.disconnected` to the feed. No effect when the session isn't current. */
  closeSession(agentId: string, epoch: number, reason: DisconnectReason, detail: string | null): Promise<void>;
  /**
   * The agent's sessions, newest first: the open one and those that ended, at most `keptSessions` in all and `sessionTtlMs`
   * after their end. An end is kept in the same step that makes it: by close, supersession, revocation, or a lost server.
   * Null when the company has no such agent.
   */
  agentSessions(companyId: string, agentId: string, limit: number): Promise<SessionRecord[] | null>;
  /** Says that this server lives; closes, as `server_lost`, the sessions of servers that haven't said so for `holderTimeoutMs`. */
  serverHeartbeat(): Promise<void>;
  onSignal(signals: SessionSignals): () => void;
}
