/**
 * The port behind which commands, agents and sessions are kept. Adapters: PostgreSQL (`postgres/`), Valkey (later).
 * One conformance suite (`test/command-store-conformance.ts`) says what an adapter has to keep.
 *
 * Promises of every adapter:
 * - A method that changes state resolves only when the change is durable. Fencing and change are one step.
 * - Times are the store's clock; durations go in and out in milliseconds.
 * - Each transition is written to the feed in the same step, and reaches `watch` listeners right after it.
 * - Batch methods answer in the order of their input; one bad row never fails its neighbours.
 * - While the store is out of reach they reject with StoreUnavailable (code `store_unavailable`, retryable).
 */
import type { AgentOutcome, Command, CommandStatus, JsonObject, Lane, RetryPolicy } from "../commands/command.ts";

export interface CommandStore extends CommandRecords, Dispatch, AgentSessions, AgentRecords, Feed {
  /** Resolves when the store answers; rejects with StoreUnavailable. Bounded by 2 s. */
  ping(): Promise<void>;
  /** One round of removing what is past its keep (records 7 days after their end, the feed's 24 h or 1 M, used-up tokens). Bounded work; call again while `more`. */
  cleanup(): Promise<{ commands: number; feed: number; more: boolean }>;
  close(): Promise<void>;
}

// ── commands ─────────────────────────────────────────────────────────────────

export interface NewCommand {
  /** UUIDv7, made by the caller. */
  commandId: string;
  companyId: string;
  agentId: string;
  type: string;
  lane: Lane;
  command: string | null;
  args: string[] | null;
  parameters: JsonObject;
  timeoutMs: number;
  priority: number;
  idempotent: boolean;
  retry: RetryPolicy | null;
  /** Null: the store's clock + `defaultExpiryMs`. */
  expiresAt: Date | null;
  idempotencyKey: { key: string; bodyHash: string } | null;
  /** Store it even when no such agent has enrolled. An agent of another company is unknown all the same. */
  allowUnknownAgent: boolean;
  traceparent: string | null;
  createdBy: string;
}

export type EnqueueOutcome =
  | { kind: "queued"; commandId: string }
  /** The idempotency key was used before with the same body. */
  | { kind: "duplicate"; commandId: string; status: CommandStatus }
  | { kind: "key_reused" }
  | { kind: "agent_unknown" };

export interface ListCommands {
  companyId: string;
  agentId?: string;
  statuses?: readonly CommandStatus[];
  type?: string;
  limit: number;
  cursor: string | null;
}

/** `nextCursor` is null on the last page. A cursor that isn't ours rejects with `invalid_cursor`. */
export interface Page<T> {
  items: T[];
  nextCursor: string | null;
}

export type CancelOutcome =
  | { kind: "cancelled"; command: Command }
  /** Assigned: the holder's session has been signalled. */
  | { kind: "requested"; command: Command }
  | { kind: "already_ended"; command: Command }
  | { kind: "not_found" };

export type OutputStream = "stdout" | "stderr";

export interface OutputPiece {
  offset: number;
  stream: OutputStream;
  data: Buffer;
}

/** Stored output from `from` on, in order of offset. A hole between pieces is output that wasn't kept. */
export interface StoredOutput {
  pieces: OutputPiece[];
  /** The next byte that the server expects: everything before it is stored or was dropped. */
  end: number;
  /** Set when more than `maxBytes` remain: read again from `next`. */
  next: number | null;
  attempt: number;
  truncated: boolean;
}

interface CommandRecords {
  /** Batched with its neighbours; at most one statement for 200 commands. Wakes the holder of the agent's session. */
  enqueue(command: NewCommand): Promise<EnqueueOutcome>;
  get(companyId: string, commandId: string): Promise<Command | null>;
  /** Newest first. */
  list(query: ListCommands): Promise<Page<Command>>;
  cancel(companyId: string, commandId: string): Promise<CancelOutcome>;
  /** Null when the company has no such command. */
  readOutput(companyId: string, commandId: string, from: number, maxBytes: number): Promise<StoredOutput | null>;
  /** Commands now in each state that isn't terminal; may be up to 15 s old. */
  depth(): Promise<{ queued: number; assigned: number }>;
}

// ── dispatch: all of it for the server that this store was opened for ────────

export interface AssignRequest {
  agentId: string;
  epoch: number;
  /** Free slots in each lane. */
  work: number;
  control: number;
}

export interface Assignment {
  commandId: string;
  agentId: string;
  epoch: number;
  assignNo: number;
  attempt: number;
  type: string;
  lane: Lane;
  command: string | null;
  args: string[] | null;
  parameters: JsonObject;
  timeoutMs: number;
  /** What is left until `expiresAt`. */
  startWindowMs: number;
  idempotent: boolean;
  traceparent: string | null;
  /** From queued to assigned, ms by the store's clock. */
  waitedMs: number;
}

export interface AssignOutcome {
  assignments: Assignment[];
  /** Agents whose session isn't the current one any more: close them. */
  stale: string[];
}

/** Identifies one run of one command by one ledger. */
export interface RunKey {
  agentId: string;
  ledgerId: string;
  commandId: string;
  attempt: number;
  assignNo: number;
}

export interface StartedReport extends RunKey {
  recorded: boolean;
}

export interface RefusedReport extends RunKey {
  recorded: boolean;
  reason: "window_over" | "draining" | "busy" | "cancelled";
}

export interface ResultReport extends RunKey {
  recorded: boolean;
  outcome: AgentOutcome;
  exitCode: number;
  error: string | null;
  errorMessage: string | null;
  durationMs: number;
  outputBytes: number;
  tail: OutputPiece[];
  startedAgoMs: number;
}

export interface OutputReport extends OutputPiece {
  agentId: string;
  ledgerId: string;
  commandId: string;
  attempt: number;
}

/** `stale`: not the command's current run (another attempt, ledger or agent, or unknown): the agent should end it. */
export type StartedOutcome = "applied" | "stale";
export type RefusedOutcome = "requeued" | "cancelled" | "stale";
/**
 * `late`: the command had ended; kept as `lateResult`. `retried`: queued again by its policy. `duplicate`: had been
 * applied. `unknown`: never this agent's run; nothing was kept. The agent gets its ack in every case.
 */
export type ResultOutcome =
  | { kind: "applied"; status: CommandStatus }
  | { kind: "retried" }
  | { kind: "duplicate" }
  | { kind: "late" }
  | { kind: "unknown" };

interface Dispatch {
  /** Moves queued commands to `assigned`, highest priority first, oldest first within one, for sessions that are still current. One statement. */
  assign(requests: readonly AssignRequest[]): Promise<AssignOutcome>;
  /** The safety-net poll: connected agents of this server that have queued commands. */
  agentsWithWork(agentIds: readonly string[]): Promise<string[]>;
  started(report: StartedReport): Promise<StartedOutcome>;
  refused(report: RefusedReport): Promise<RefusedOutcome>;
  result(report: ResultReport): Promise<ResultOutcome>;
  /** Appends at the command's own end: an older offset is trimmed, a newer one records a gap. Resolves to the new end; null when the run isn't current. */
  appendOutput(report: OutputReport): Promise<number | null>;
  /** Commands of this agent whose cancel was asked for and not answered yet. */
  pendingCancels(agentId: string): Promise<{ commandId: string; attempt: number; assignNo: number }[]>;
  /** Declares what is due by the store's clock: `expired`, `timeout` (also `start_unknown`). At most `limit` each round; call again while it returns `limit`. */
  sweep(
    limit: number,
  ): Promise<
    { commandId: string; agentId: string; attempt: number; assignNo: number; status: "expired" | "timeout" }[]
  >;
}

// ── sessions ─────────────────────────────────────────────────────────────────

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
      /** Held runs that aren't current any more: the agent is to end them. */
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
] as const;
export type DisconnectReason = (typeof disconnectReasons)[number];

/** Signals for the sessions that this server holds. Hints: a lost one is made good by the poll. */
export interface SessionSignals {
  /** New work for these agents. */
  wake(agentIds: readonly string[]): void;
  /** A cancel was asked for: see `pendingCancels`. */
  cancel(agentIds: readonly string[]): void;
  /** This session is over. */
  drop(agentId: string, epoch: number, reason: "superseded" | "revoked"): void;
}

interface AgentSessions {
  /**
   * Begins a session and settles, in the same step, every assigned command of the agent against what it holds:
   * held and running: kept (and marked started); held and done: kept until its result; refused: requeued, or cancelled where a cancel was asked for;
   * not held, same ledger, above the horizon: requeued; else `ledger_lost` (attempt + 1 where idempotent or its retry policy allows).
   */
  openSession(session: OpenSession): Promise<OpenSessionOutcome>;
  /** Resolves to the agents whose session isn't current any more. */
  heartbeat(beats: readonly SessionHeartbeat[]): Promise<string[]>;
  updateProfile(agentId: string, epoch: number, profile: AgentProfile): Promise<void>;
  /** Also writes `agent.disconnected` to the feed. No effect when the session isn't current. */
  closeSession(agentId: string, epoch: number, reason: DisconnectReason, detail: string | null): Promise<void>;
  /** Says that this server lives; closes, as `server_lost`, the sessions of servers that haven't said so for `holderTimeoutMs`. */
  serverHeartbeat(): Promise<void>;
  onSignal(signals: SessionSignals): () => void;
}

// ── agents ───────────────────────────────────────────────────────────────────

export interface Agent {
  agentId: string;
  companyId: string;
  fleet: string;
  labels: Record<string, string>;
  types: { type: string; parametersSchema: JsonObject | null }[];
  concurrency: number;
  hostname: string;
  platform: string;
  version: string;
  facts: JsonObject | null;
  status: "online" | "offline" | "revoked";
  draining: boolean;
  epoch: number;
  serverId: string | null;
  enrolledAt: Date;
  connectedAt: Date | null;
  lastSeenAt: Date | null;
  disconnectedAt: Date | null;
  disconnectReason: DisconnectReason | null;
  disconnectDetail: string | null;
  load: { running: number; load1: number; freeMemoryBytes: number } | null;
}

export interface NewJoinToken {
  tokenId: string;
  companyId: string;
  /** SHA-256 of the token, hex. The token itself is never stored. */
  tokenHash: string;
  fleet: string;
  /** Set: good for this agent id alone. */
  agentId: string | null;
  uses: number;
  ttlMs: number;
  createdBy: string;
}

export interface JoinToken {
  tokenId: string;
  fleet: string;
  agentId: string | null;
  usesLeft: number;
  createdAt: Date;
  expiresAt: Date;
  revokedAt: Date | null;
}

export type EnrolOutcome =
  { kind: "enrolled"; companyId: string; fleet: string } | { kind: "token_invalid" } | { kind: "id_taken" };

interface AgentRecords {
  createJoinToken(token: NewJoinToken): Promise<JoinToken>;
  listJoinTokens(companyId: string): Promise<JoinToken[]>;
  revokeJoinToken(companyId: string, tokenId: string): Promise<boolean>;
  /**
   * Spends one use of the token and binds the id to the key, in one step. The same key again is no error and costs no
   * use. A revoked id can be bound anew, by a token of its own company.
   */
  enrol(request: { agentId: string; tokenHash: string; publicKey: Buffer; hostname: string }): Promise<EnrolOutcome>;
  /** For checking a Hello; of any company. */
  agentKey(agentId: string): Promise<{ publicKey: Buffer; companyId: string; revoked: boolean } | null>;
  getAgent(companyId: string, agentId: string): Promise<Agent | null>;
  /** Ordered by agent id. */
  listAgents(query: {
    companyId: string;
    fleet?: string;
    status?: Agent["status"];
    labels?: Record<string, string>;
    limit: number;
    cursor: string | null;
  }): Promise<Page<Agent>>;
  /** Ends the right to connect; signals the holder of a live session. False when there is no such agent. */
  revokeAgent(companyId: string, agentId: string): Promise<boolean>;
  putFacts(agentId: string, facts: JsonObject): Promise<void>;
  /** Agents online by fleet, all companies; may be up to 15 s old. */
  onlineByFleet(): Promise<Map<string, number>>;
}

// ── feed ─────────────────────────────────────────────────────────────────────

export type FeedKind = `command.${CommandStatus}` | "agent.connected" | "agent.disconnected";

export interface FeedEntry {
  cursor: string;
  at: Date;
  kind: FeedKind;
  companyId: string;
  agentId: string;
  commandId: string | null;
  /** The command's revision; orders the entries of one command. Null for agents. */
  revision: number | null;
  /** For commands: attempt, type, exitCode, error; for agents: epoch, serverId, reason. */
  data: JsonObject;
}

/** What a watcher is told. A hint with content: on `overflow` or doubt, read the record. */
export type WatchEvent =
  | { kind: "state"; commandId: string; status: CommandStatus; revision: number }
  | { kind: "output"; commandId: string; end: number };

interface Feed {
  /** Entries after `cursor` (null: the oldest kept), in commit order. `lost` counts what was removed before it was read. */
  readFeed(
    cursor: string | null,
    limit: number,
    companyId?: string,
  ): Promise<{ entries: FeedEntry[]; cursor: string; lost: number }>;
  /** The cursor after everything written so far. */
  feedEnd(): Promise<string>;
  /** Changes of one command, from whichever server: right away from this one, within 500 ms from another. */
  watch(commandId: string, listener: (event: WatchEvent) => void): () => void;
  /** Called when the feed has grown by this server's doing, or may have by another's (at most every 5 ms). */
  onFeed(listener: () => void): () => void;
}
