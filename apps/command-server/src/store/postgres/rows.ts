import type {
  Command,
  CommandResult,
  CommandStatus,
  JsonObject,
  LeftProcess,
  RetryPolicy,
} from "../../commands/command.ts";
import { isTerminal } from "../../commands/command.ts";
import type { CommandChange } from "../command-store.ts";

/** A row of `commands` as `commandColumns` selects it. */
export interface CommandRow {
  id: string;
  company_id: string;
  agent_id: string;
  type: string;
  command: string | null;
  args: string[] | null;
  parameters: JsonObject;
  timeout_ms: number;
  priority: number;
  idempotent: boolean;
  retry: RetryPolicy | null;
  status: CommandStatus;
  attempt: number;
  revision: number;
  queued_at: Date;
  assigned_at: Date | null;
  started_at: Date | null;
  finished_at: Date | null;
  expires_at: Date;
  cancel_requested_at: Date | null;
  exit_code: number | null;
  error: string | null;
  error_message: string | null;
  duration_ms: number | null;
  output_bytes: number;
  truncated: boolean;
  left_running: LeftProcess[] | null;
  late_result: (CommandResult & { status: CommandStatus }) | null;
  created_by: string;
  rollout_id: string | null;
}

export const commandColumns = `c.id, c.company_id, c.agent_id, c.type, c.command, c.args, c.parameters, c.timeout_ms, c.priority,
  c.idempotent, c.retry, c.status, c.attempt, c.revision, c.queued_at, c.assigned_at, c.started_at, c.finished_at,
  c.expires_at, c.cancel_requested_at, c.exit_code, c.error, c.error_message, c.duration_ms, c.output_bytes,
  c.truncated, c.left_running, c.late_result, c.created_by, c.rollout_id`;

const changing = [
  "status",
  "revision",
  "attempt",
  "assigned_at",
  "started_at",
  "finished_at",
  "cancel_requested_at",
  "exit_code",
  "error",
  "error_message",
  "duration_ms",
  "output_bytes",
  "truncated",
  "left_running",
] as const satisfies readonly (keyof CommandRow)[];

/** The columns that a transition can have changed, of this table or CTE. */
export function changeColumns(of: string): string {
  return changing.map((column) => `${of}.${column}`).join(", ");
}

export type ChangeRow = Pick<CommandRow, (typeof changing)[number]>;

export function toChange(row: ChangeRow): CommandChange {
  return {
    status: row.status,
    revision: row.revision,
    attempt: row.attempt,
    assignedAt: row.assigned_at,
    startedAt: row.started_at,
    finishedAt: row.finished_at,
    cancelRequestedAt: row.cancel_requested_at,
    result: isTerminal(row.status) ? toResult(row) : null,
  };
}

/** The command as the port gives it. */
export function toCommand(row: CommandRow): Command {
  return {
    commandId: row.id,
    companyId: row.company_id,
    agentId: row.agent_id,
    type: row.type,
    command: row.command,
    args: row.args,
    parameters: row.parameters,
    timeoutMs: row.timeout_ms,
    priority: row.priority,
    idempotent: row.idempotent,
    retry: row.retry,
    queuedAt: row.queued_at,
    expiresAt: row.expires_at,
    ...toChange(row),
    // What was kept before there was such a list has none.
    lateResult: row.late_result && { ...row.late_result, leftRunning: row.late_result.leftRunning ?? [] },
    createdBy: row.created_by,
    rolloutId: row.rollout_id,
  };
}

function toResult(row: ChangeRow): CommandResult {
  return {
    exitCode: row.exit_code,
    error: row.error,
    errorMessage: row.error_message,
    durationMs: row.duration_ms,
    outputBytes: row.output_bytes,
    truncated: row.truncated,
    leftRunning: row.left_running ?? [],
  };
}
