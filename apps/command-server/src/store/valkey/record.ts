import type {
  Command,
  CommandResult,
  CommandStatus,
  JsonObject,
  Lane,
  LeftProcess,
  RetryPolicy,
} from "../../commands/command.ts";
import { isTerminal } from "../../commands/command.ts";
import type { Assignment, CommandChange, NewCommand } from "../command-store.ts";
import { strictJson } from "../text.ts";

/** `command:queue:{id}`: a command as it was queued. `timeout` is in seconds. */
export interface CommandRecord {
  command_id: string;
  agent_id: string;
  company_id: string;
  command_type: string;
  command: string | null;
  args: string[] | null;
  parameters: JsonObject;
  timeout: number;
  priority: number;
  status: "queued";
  idempotent: boolean;
  retry: RetryPolicy | null;
  traceparent: string | null;
  created_by: string;
  rollout_id?: string;
  queued_at: string;
  expires_at: string;
}

/** `command:status:{id}`: where a command stands. Times are ms since 1970 by the store's clock. */
export interface CommandState {
  command_id: string;
  agent_id: string;
  company_id: string;
  type: string;
  lane: Lane;
  priority: number;
  timeout_ms: number;
  idempotent: boolean;
  retry?: RetryPolicy;
  idempotency_key?: string;
  rollout_id?: string;
  /** SHA-1 of the record's text: what is dispatched is what was queued. */
  digest: string;
  status: CommandStatus;
  attempt: number;
  revision: number;
  seq: number;
  queued_ms: number;
  expires_ms: number;
  updated_at: string;
  epoch?: number;
  ledger_id?: string;
  assign_no?: number;
  assigned_ms?: number;
  started_ms?: number;
  finished_ms?: number;
  cancel_ms?: number;
  /** The terminal state came from the agent's answer. */
  answered?: boolean;
  exit_code?: number;
  error?: string;
  error_message?: string;
  duration_ms?: number;
  output_bytes?: number;
  output_end?: number;
  truncated?: boolean;
  left_running?: LeftProcess[];
  late_result?: Omit<CommandResult, "leftRunning"> & { status: CommandStatus; leftRunning?: LeftProcess[] };
}

/** What both texts are made of. */
export interface CommandParts extends Pick<
  NewCommand,
  "companyId" | "type" | "lane" | "command" | "args" | "parameters" | "timeoutMs" | "priority" | "idempotent" | "retry"
> {
  traceparent: string | null;
  createdBy: string;
  idempotencyKey: NewCommand["idempotencyKey"];
  rolloutId?: string | null;
}

/**
 * Both texts without ids and without what the store adds by its clock: the script puts these at their ends. Throws
 * `unstorable_text`.
 */
export function commandTexts(command: CommandParts): { record: string; state: string } {
  const { companyId, type, priority, idempotent, retry, timeoutMs, rolloutId = null } = command;
  const ids = { company_id: companyId, ...(rolloutId === null ? {} : { rollout_id: rolloutId }) };
  const record: Omit<CommandRecord, "command_id" | "agent_id" | "queued_at" | "expires_at"> = {
    ...ids,
    command_type: type,
    command: command.command,
    args: command.args,
    parameters: command.parameters,
    timeout: timeoutMs / 1000,
    priority,
    status: "queued",
    idempotent,
    retry,
    traceparent: command.traceparent,
    created_by: command.createdBy,
  };
  const state = {
    ...ids,
    type,
    lane: command.lane,
    priority,
    timeout_ms: timeoutMs,
    idempotent,
    ...(retry === null ? {} : { retry }),
    ...(command.idempotencyKey === null ? {} : { idempotency_key: command.idempotencyKey.key }),
  };
  return { record: strictJson(record), state: strictJson(state) };
}

/** The record of this text; null for what another program has made of it. */
export function parseRecord(text: string | null): CommandRecord | null {
  return parseObject<CommandRecord>(text, "command_id");
}

/** The state of this text; null for what another program has made of it. */
export function parseState(text: string | null): CommandState | null {
  return parseObject<CommandState>(text, "revision");
}

function parseObject<T>(text: string | null, has: keyof T & string): T | null {
  if (text === null) return null;
  try {
    const value: unknown = JSON.parse(text);
    // oxlint-disable-next-line typescript/no-unsafe-type-assertion -- written by this store's scripts alone, apart from what is refused here
    return typeof value === "object" && value !== null && has in value ? (value as T) : null;
  } catch {
    return null;
  }
}

/** The command as the port gives it. */
export function toCommand(record: CommandRecord, state: CommandState): Command {
  const late = state.late_result;
  return {
    commandId: state.command_id,
    companyId: state.company_id,
    agentId: state.agent_id,
    type: state.type,
    command: record.command,
    args: record.args,
    parameters: record.parameters,
    timeoutMs: state.timeout_ms,
    priority: state.priority,
    idempotent: state.idempotent,
    retry: record.retry,
    queuedAt: new Date(state.queued_ms),
    expiresAt: new Date(state.expires_ms),
    ...toChange(state),
    lateResult: late === undefined ? null : { ...late, leftRunning: late.leftRunning ?? [] },
    createdBy: record.created_by,
    rolloutId: state.rollout_id ?? null,
  };
}

/** What an agent is sent, of a state that says `assigned`. */
export function toAssignment(
  state: CommandState,
  work: Pick<Assignment, "command" | "args" | "parameters" | "traceparent">,
  times: Pick<Assignment, "startWindowMs" | "waitedMs">,
): Assignment {
  return {
    commandId: state.command_id,
    agentId: state.agent_id,
    epoch: state.epoch ?? 0,
    assignNo: state.assign_no ?? 0,
    attempt: state.attempt,
    type: state.type,
    lane: state.lane,
    command: work.command,
    args: work.args,
    parameters: work.parameters,
    timeoutMs: state.timeout_ms,
    idempotent: state.idempotent,
    traceparent: work.traceparent,
    ...times,
  };
}

export function toChange(state: CommandState): CommandChange {
  return {
    status: state.status,
    revision: state.revision,
    attempt: state.attempt,
    assignedAt: instant(state.assigned_ms),
    startedAt: instant(state.started_ms),
    finishedAt: instant(state.finished_ms),
    cancelRequestedAt: instant(state.cancel_ms),
    result: isTerminal(state.status) ? toResult(state) : null,
  };
}

function toResult(state: CommandState): CommandResult {
  return {
    exitCode: state.exit_code ?? null,
    error: state.error ?? null,
    errorMessage: state.error_message ?? null,
    durationMs: state.duration_ms ?? null,
    outputBytes: state.output_bytes ?? 0,
    truncated: state.truncated ?? false,
    leftRunning: state.left_running ?? [],
  };
}

function instant(ms: number | undefined): Date | null {
  return ms === undefined ? null : new Date(ms);
}
