/**
 * What the ledger keeps. One row is one assignment that the agent accepted or refused:
 *
 *   from     to        when
 *   -        started   accepted; synced before anything is spawned
 *   -        refused   refused, or cancelled before it was known; synced before that is said
 *   started  refused   withdrawn before anything was spawned (cancelled, or its start window passed meanwhile)
 *   started  done      it ended; synced before the result is sent
 *
 * Rows that the server has acknowledged stay, without output, to answer duplicates until they are trimmed.
 */
export interface RunKey {
  commandId: string;
  attempt: number;
}

export interface Assignment extends RunKey {
  /** Per agent, rising with every assignment; a refused command comes again under a new one. */
  assignNo: number;
}

export type OutputStream = "stdout" | "stderr";

/** A part of a command's output; `offset` counts bytes over both streams, in the order in which they arrived. */
export interface OutputPiece {
  offset: number;
  stream: OutputStream;
  data: Uint8Array;
}

export type RunOutcome = "exited" | "failed" | "timeout" | "cancelled";

/** A process that a command had started and that ran on after its end. */
export interface LeftProcess {
  pid: number;
  /** Program and arguments, at most 200 characters. */
  command: string;
}

export interface RunResult {
  outcome: RunOutcome;
  /** 0–255; 128 + signal number; -1 where nothing ran to an end. */
  exitCode: number;
  /** A code in snake_case; empty where the exit code says it all. */
  error: string;
  errorMessage: string;
  durationMs: number;
  /** Length of the whole output, dropped bytes included. */
  outputBytes: number;
  /** At most 20; absent in what an agent before this one had written. */
  leftRunning?: LeftProcess[];
}

export type RefusalReason = "window_over" | "draining" | "busy" | "cancelled";

export interface NewRun extends Assignment {
  type: string;
  /** Wall clock, ms since 1970; only for trimming by age and for `started_ago_ms` after a restart. */
  acceptedAt: number;
}

/** Identifies a process beyond the reuse of its pid. */
export interface ProcessIdentity {
  pid: number;
  /** Boot and start time, in the platform's own words. */
  startedAt: string;
}

export interface HeldRun extends Assignment {
  type: string;
  state: "started" | "done" | "refused";
  /** The leader of its process group, where one was spawned. */
  process: ProcessIdentity | null;
}

/** What a Hello needs; `held` is what the server hasn't acknowledged. */
export interface LedgerSnapshot {
  ledgerId: string;
  seenEpoch: number;
  /** The largest assignNo that was started or refused. */
  highest: number;
  /** At or below it rows may have been trimmed. */
  horizon: number;
  held: HeldRun[];
}

/**
 * `held`: there is a row for this run already; its state is given. `forgotten`: at or below the horizon, so there may
 * have been one. `number_taken`: the number, or a later one for the same run, is in the ledger: who gives it has forgotten
 * that. Only `recorded` wrote a row.
 */
export type RecordOutcome =
  | { kind: "recorded" }
  | { kind: "held"; state: HeldRun["state"]; refusal: RefusalReason | null }
  | { kind: "forgotten" }
  | { kind: "number_taken" };

export interface StoredResult extends Assignment {
  result: RunResult;
  acceptedAt: number;
  /** What the server hadn't acknowledged when it ended. */
  output: OutputPiece[];
}

/** Every operation runs to its end before the next; those that write resolve when the write is synced. */
export interface LedgerOperations {
  snapshot(): LedgerSnapshot;
  /** Writes `started` for a run that isn't held. */
  accept(run: NewRun): RecordOutcome;
  /** Writes `refused` for a run that isn't held. */
  refuse(run: NewRun, reason: RefusalReason): RecordOutcome;
  /** What there is of this run, which from now on answers to this number; null for nothing. */
  recall(run: Assignment): Exclude<RecordOutcome, { kind: "recorded" }> | null;
  withdraw(run: RunKey, reason: RefusalReason): void;
  spawned(run: RunKey, process: ProcessIdentity): void;
  finish(run: RunKey, result: RunResult, output: OutputPiece[]): void;
  /** Null when the run isn't held, or hasn't ended. */
  readResult(run: RunKey): StoredResult | null;
  /** The server has the result: its output is forgotten, and the row may be trimmed. */
  acknowledge(run: RunKey): void;
  /** The server has seen these refusals (in a Hello that it answered). */
  acknowledgeRefused(assignNos: number[]): void;
  seeEpoch(epoch: number): void;
}

/**
 * Acknowledged rows are trimmed, oldest first, when they are older than `maxAgeMs` or more than `maxRows`; refusals by
 * age also unacknowledged: the horizon then keeps a late frame from starting anything.
 */
export interface TrimPolicy {
  maxAgeMs: number;
  maxRows: number;
}
