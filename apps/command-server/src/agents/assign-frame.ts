import type { AssignInput } from "@fleetwire/proto";
import type { Assignment } from "../store/command-store.ts";

/** The frame that carries an assignment to its agent. */
export function assignFrame(assignment: Assignment): AssignInput {
  const { commandId, assignNo, epoch, attempt, type, timeoutMs, startWindowMs, idempotent } = assignment;
  return {
    commandId,
    assignNo,
    epoch,
    attempt,
    type,
    command: assignment.command ?? "",
    hasArgs: assignment.args !== null,
    args: assignment.args ?? [],
    parametersJson: JSON.stringify(assignment.parameters),
    timeoutMs,
    startWindowMs: Math.max(0, Math.floor(startWindowMs)),
    idempotent,
    traceparent: assignment.traceparent ?? "",
  };
}
