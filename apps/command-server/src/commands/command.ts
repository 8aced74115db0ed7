/**
 * A command and the rules of its life. Pure: no clock, no database; both adapters of the store and both faces of the
 * API (HTTP and gRPC) speak in these types.
 *
 * Transitions (each one an atomic compare-and-set in the store, written to the feed in the same step):
 *
 *   from      to         when
 *   queued    assigned   the store gave it to an agent session
 *   queued    cancelled  an operator cancelled it before it was assigned
 *   queued    expired    `expiresAt` passed while it waited
 *   assigned  completed  the agent's answer: exit code 0
 *   assigned  failed     the agent's answer: another exit code, or an error; also `ledger_lost`
 *   assigned  cancelled  the agent's answer to a cancel
 *   assigned  timeout    its time is over (by the agent's word or the server's), or `start_unknown`
 *   assigned  queued     the agent refused it or never had it; or a retry that its policy allows (attempt + 1)
 *
 * Terminal states never change; an answer that comes later is kept as `lateResult`.
 */
export const commandStatuses = [
  "queued",
  "assigned",
  "completed",
  "failed",
  "timeout",
  "cancelled",
  "expired",
] as const;
export type CommandStatus = (typeof commandStatuses)[number];

const transitions: Record<CommandStatus, readonly CommandStatus[]> = {
  queued: ["assigned", "cancelled", "expired"],
  assigned: ["completed", "failed", "cancelled", "timeout", "queued"],
  completed: [],
  failed: [],
  timeout: [],
  cancelled: [],
  expired: [],
};

/** Whether the table above has this transition. */
export function canMove(from: CommandStatus, to: CommandStatus): boolean {
  return transitions[from].includes(to);
}

/** Whether nothing follows this state. */
export function isTerminal(status: CommandStatus): boolean {
  return transitions[status].length === 0;
}

export type JsonValue = string | number | boolean | null | JsonValue[] | JsonObject;
export interface JsonObject {
  [key: string]: JsonValue;
}

/** What may lead to another run of a command that had started. */
export const retryReasons = ["interrupted", "ledger_lost", "timeout", "exit_code"] as const;
export type RetryReason = (typeof retryReasons)[number];

/** Leave to run again after `started`; without it a started command never runs twice. */
export interface RetryPolicy {
  /** All runs together, 2–10. */
  maxAttempts: number;
  on: readonly RetryReason[];
}

/**
 * Two lanes per agent: `work` takes the agent's concurrency; `control` (PING, FACTS, STOP, RESTART) has slots of its
 * own, so that a busy agent still answers and can be stopped.
 */
export type Lane = "work" | "control";

const controlTypes: ReadonlySet<string> = new Set(["PING", "FACTS", "STOP", "RESTART"]);

/** The lane that a command of this type is dispatched in. */
export function laneOf(type: string): Lane {
  return controlTypes.has(type) ? "control" : "work";
}

/** A process that a command had started and that ran on when the command had ended. */
export interface LeftProcess {
  pid: number;
  /** Its program and arguments, cut; as the agent saw them. */
  command: string;
}

/** What ended a command, as stored. */
export interface CommandResult {
  /** Null where nothing ran to an end. */
  exitCode: number | null;
  /** A code in snake_case, such as `interrupted`, `ledger_lost`, `start_unknown`, `timeout`; null where the exit code says it all. */
  error: string | null;
  /** One line for a person. */
  errorMessage: string | null;
  durationMs: number | null;
  /** Length of the whole output in bytes, dropped bytes included. */
  outputBytes: number;
  /** True when the middle of the output wasn't kept. */
  truncated: boolean;
  /** What the agent saw running on, at most 20; empty also where it couldn't look. */
  leftRunning: LeftProcess[];
}

/** One command as stored. Instants are the store's clock. */
export interface Command {
  commandId: string;
  companyId: string;
  agentId: string;
  type: string;
  /** SHELL: a line for the shell where `args` is null, else the program. Null for other types. */
  command: string | null;
  args: string[] | null;
  parameters: JsonObject;
  timeoutMs: number;
  /** 0–10, higher is sooner. */
  priority: number;
  idempotent: boolean;
  retry: RetryPolicy | null;
  status: CommandStatus;
  attempt: number;
  /** Counts the transitions of this command; feed entries carry it, and it alone orders them. */
  revision: number;
  queuedAt: Date;
  assignedAt: Date | null;
  startedAt: Date | null;
  finishedAt: Date | null;
  expiresAt: Date;
  cancelRequestedAt: Date | null;
  result: CommandResult | null;
  lateResult: (CommandResult & { status: CommandStatus }) | null;
  /** Principal that queued it, `kind:id`. */
  createdBy: string;
  /** The rollout that it is of; null: it was asked for by itself. */
  rolloutId: string | null;
}

/** What the agent says ended a run. */
export type AgentOutcome = "exited" | "failed" | "timeout" | "cancelled";

/** The state that an agent's answer leads to, before any retry. */
export function statusOf(outcome: AgentOutcome, exitCode: number): "completed" | "failed" | "timeout" | "cancelled" {
  if (outcome === "exited") return exitCode === 0 ? "completed" : "failed";
  return outcome;
}

/** The reason under which a retry policy would run this answer again; null where none could. */
export function retryReasonOf(outcome: AgentOutcome, exitCode: number, error: string | null): RetryReason | null {
  if (outcome === "exited") return exitCode === 0 ? null : "exit_code";
  if (outcome === "timeout") return "timeout";
  return outcome === "failed" && error === "interrupted" ? "interrupted" : null;
}
