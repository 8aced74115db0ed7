import type { Command as CommandMessage, CommandInput, CommandStatus as StatusMessage } from "@fleetwire/proto";
import type { Command, CommandResult, CommandStatus } from "./command.ts";
import type { WholeOutput } from "./output.ts";

const statusMessages = {
  queued: "COMMAND_STATUS_QUEUED",
  assigned: "COMMAND_STATUS_ASSIGNED",
  completed: "COMMAND_STATUS_COMPLETED",
  failed: "COMMAND_STATUS_FAILED",
  timeout: "COMMAND_STATUS_TIMEOUT",
  cancelled: "COMMAND_STATUS_CANCELLED",
  expired: "COMMAND_STATUS_EXPIRED",
} as const satisfies Record<CommandStatus, StatusMessage>;

const statuses = new Map<string, CommandStatus>(
  Object.entries(statusMessages).map(([status, message]) => [message, status as CommandStatus]),
);

export function statusMessage(status: CommandStatus): StatusMessage {
  return statusMessages[status];
}

/** Null for the unspecified one and for numbers that this version doesn't know. */
export function statusOfMessage(message: string | number): CommandStatus | null {
  return statuses.get(String(message)) ?? null;
}

/** A command as the gRPC API shows it. */
export function commandMessage(command: Command, output: WholeOutput | null): CommandInput {
  return {
    commandId: command.commandId,
    agentId: command.agentId,
    type: command.type,
    command: command.command ?? "",
    ...(command.args === null ? {} : { args: { values: command.args } }),
    parametersJson: JSON.stringify(command.parameters),
    timeoutSeconds: Math.round(command.timeoutMs / 1000),
    priority: command.priority,
    idempotent: command.idempotent,
    status: statusMessage(command.status),
    attempt: command.attempt,
    queuedAt: timestamp(command.queuedAt),
    assignedAt: timestamp(command.assignedAt),
    startedAt: timestamp(command.startedAt),
    finishedAt: timestamp(command.finishedAt),
    expiresAt: timestamp(command.expiresAt),
    cancelRequestedAt: timestamp(command.cancelRequestedAt),
    result: command.result === null ? null : resultMessage(command.result, output),
    lateResult: command.lateResult === null ? null : resultMessage(command.lateResult, null),
    rolloutId: command.rolloutId ?? "",
  };
}

function resultMessage(result: CommandResult, output: WholeOutput | null): NonNullable<CommandInput["result"]> {
  return {
    ...(result.exitCode === null ? {} : { exitCode: result.exitCode }),
    output: output?.bytes ?? Buffer.alloc(0),
    truncated: result.truncated || (output?.truncated ?? false),
    outputBytes: result.outputBytes,
    error: result.error ?? "",
    errorMessage: result.errorMessage ?? "",
    leftRunning: result.leftRunning,
    durationMs: result.durationMs ?? 0,
  };
}

/** Null where there is no instant. */
export function timestamp(at: Date | null): { seconds: number; nanos: number } | null {
  if (at === null) return null;
  const ms = at.getTime();
  return { seconds: Math.floor(ms / 1000), nanos: (ms % 1000) * 1_000_000 };
}

/** RFC 3339 text of a Timestamp; text that is no instant where it is out of range, for the check to refuse. */
export function instantText(message: NonNullable<CommandMessage["queuedAt"]>): string {
  const date = new Date(message.seconds * 1000 + Math.floor(message.nanos / 1_000_000));
  return Number.isNaN(date.getTime()) ? "out of range" : date.toISOString();
}
