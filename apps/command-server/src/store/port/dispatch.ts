// How commands reach agents and their answers come back: all of it for the server that this store was opened for. See `../command-store.ts` for what every method promises.
import type { AgentOutcome, CommandStatus, JsonObject, Lane, LeftProcess } from "../../commands/command.ts";
import type { OutputPiece } from "./commands.ts";
import type { StaleSession } from "./sessions.ts";

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
  /** Sessions that aren't the current ones any more: close them. */
  stale: StaleSession[];
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
  leftRunning: LeftProcess[];
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

export interface Dispatch {
  /**
   * Moves queued commands to `assigned`, highest priority first, oldest first within one, for sessions that are still current. One statement.
   * An agent that an operator drains gets nothing in the work lane: once `requestDrain` has resolved, no server gives it any.
   */
  assign(requests: readonly AssignRequest[]): Promise<AssignOutcome>;
  /** The safety-net poll: connected agents of this server that have queued commands which could be assigned. */
  agentsWithWork(agentIds: readonly string[]): Promise<string[]>;
  started(report: StartedReport): Promise<StartedOutcome>;
  refused(report: RefusedReport): Promise<RefusedOutcome>;
  result(report: ResultReport): Promise<ResultOutcome>;
  /** Appends at the command's own end: an older offset is trimmed, a newer one records a gap. Resolves to the new end; null when the run isn't current. */
  appendOutput(report: OutputReport): Promise<number | null>;
  /** Commands of this agent whose cancel was asked for and not answered yet. */
  pendingCancels(agentId: string): Promise<{ commandId: string; attempt: number; assignNo: number }[]>;
  /**
   * Declares what is due by the store's clock: `expired`, `timeout` (also `start_unknown`). At most `limit` each round; call again while it returns `limit`.
   * The holders of the sessions of agents that had been given these runs are signalled to stop them, this server too.
   */
  sweep(
    limit: number,
  ): Promise<
    { commandId: string; agentId: string; attempt: number; assignNo: number; status: "expired" | "timeout" }[]
  >;
}
