/**
 * The port behind which commands, agents and sessions are kept. Adapters: PostgreSQL (`postgres/`), Valkey (later).
 * One conformance suite (`test/command-store-conformance.ts`) says what an adapter has to keep.
 *
 * Promises of every adapter:
 * - A method that changes state resolves only when the change is durable. Fencing and change are one step.
 * - Times are the store's clock; durations go in and out in milliseconds.
 * - Each transition is written to the feed in the same step, and reaches `watch` listeners right after it.
 * - Batch methods answer in the order of their input; one bad row never fails its neighbours.
 * - While the store is out of reach they reject with StoreUnavailable (code `store_unavailable`, retryable). A change may
 *   then have been made or not. All but `createJoinToken` and `assign` may be repeated as they were called and change nothing twice;
 *   what `assign` gave is settled when the session is opened anew. Output is sent again from the last end acknowledged.
 */
import type { CommandRecords } from "./port/commands.ts";
import type { Dispatch } from "./port/dispatch.ts";
import type { AgentSessions } from "./port/sessions.ts";
import type { AgentRecords } from "./port/agents.ts";
import type { Feed } from "./port/feed.ts";
import type { Rollouts } from "./port/rollouts.ts";

export type {
  NewCommand,
  EnqueueOutcome,
  ListCommands,
  Page,
  CancelOutcome,
  OutputStream,
  OutputPiece,
  StoredOutput,
} from "./port/commands.ts";
export type {
  AssignRequest,
  Assignment,
  AssignOutcome,
  RunKey,
  StartedReport,
  RefusedReport,
  ResultReport,
  OutputReport,
  StartedOutcome,
  RefusedOutcome,
  ResultOutcome,
} from "./port/dispatch.ts";
export type {
  HeldCommand,
  AgentProfile,
  OpenSession,
  KeptRun,
  OpenSessionOutcome,
  SessionHeartbeat,
  StaleSession,
  SessionRecord,
  DisconnectReason,
  EndedRun,
  SlotOffer,
  SessionSignals,
} from "./port/sessions.ts";
export type {
  Agent,
  AgentSelection,
  Candidate,
  LoadedCandidate,
  DrainReason,
  NewJoinToken,
  JoinToken,
  EnrolOutcome,
} from "./port/agents.ts";
export type {
  NewRollout,
  CreateRolloutOutcome,
  AdvanceOutcome,
  StopRolloutOutcome,
  ListRollouts,
  RolloutTarget,
  RolloutResultsQuery,
  RolloutResult,
  KeyHolder,
} from "./port/rollouts.ts";
export type { CommandChange, FeedKind, FeedEntry, WatchEvent } from "./port/feed.ts";
export { disconnectReasons, keptSessions } from "./port/sessions.ts";

export interface CommandStore extends CommandRecords, Dispatch, AgentSessions, AgentRecords, Feed, Rollouts {
  /** Resolves when the store answers; rejects with StoreUnavailable. Bounded by 2 s. */
  ping(): Promise<void>;
  /** The store's clock, by which all is judged. */
  time(): Promise<Date>;
  /**
   * One round of removing what is past its keep (records of commands and rollouts 7 days after their end, of sessions 30
   * days after theirs, the feed's 24 h or 1 M, used-up tokens). A rollout's counts stay right when its commands are gone. Bounded work; call again while `more`.
   */
  cleanup(): Promise<{ commands: number; feed: number; more: boolean }>;
  close(): Promise<void>;
}
