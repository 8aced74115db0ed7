import { FleetwireError, type Principal } from "@fleetwire/service";
import { errors } from "../errors.ts";
import type { CommandServerMetrics } from "../metrics.ts";
import type { CommandStore } from "../store/command-store.ts";
import { isTerminal, type Command } from "./command.ts";
import { readWholeOutput, type WholeOutput } from "./output.ts";

/** A command of the principal's company; one of another company doesn't exist. Throws `command_unknown`. */
export async function findCommand(store: CommandStore, principal: Principal, commandId: string): Promise<Command> {
  const command = isCommandId(commandId) ? await store.get(principal.companyId, commandId) : null;
  return command ?? unknownCommand(commandId);
}

/** The same with its output, once it has ended: at most `maxBytes`. */
export async function findCommandWithOutput(
  store: CommandStore,
  principal: Principal,
  commandId: string,
  maxBytes: number,
): Promise<{ command: Command; output: WholeOutput | null }> {
  const command = await findCommand(store, principal, commandId);
  return { command, output: await outputOf(store, command, maxBytes) };
}

/** What is kept of an ended command's output; null before its end. */
export async function outputOf(store: CommandStore, command: Command, maxBytes: number): Promise<WholeOutput | null> {
  if (!isTerminal(command.status) || command.result === null) return null;
  if (command.result.outputBytes === 0) return { bytes: Buffer.alloc(0), length: 0, truncated: false };
  return readWholeOutput(store, command.companyId, command.commandId, maxBytes);
}

export type CancelAnswer = { kind: "cancelled" | "requested"; command: Command };

/**
 * Cancels at once what is queued, asks the agent to end what is running.
 * Throws `command_unknown`, and `command_ended` where a terminal state was there first.
 */
export async function cancelCommand(
  deps: { store: CommandStore; metrics: CommandServerMetrics },
  principal: Principal,
  commandId: string,
): Promise<CancelAnswer> {
  if (!isCommandId(commandId)) unknownCommand(commandId);
  const outcome = await deps.store.cancel(principal.companyId, commandId);
  if (outcome.kind !== "not_found") deps.metrics.cancelled(outcome.kind);
  switch (outcome.kind) {
    case "cancelled":
    case "requested":
      return outcome;
    case "already_ended":
      throw new FleetwireError(errors.command_ended, undefined, { details: { status: outcome.command.status } });
    case "not_found":
      return unknownCommand(commandId);
  }
}

/** Whether this can be a command's id; what can't isn't worth a question to the store. */
export function isCommandId(text: string): boolean {
  return /^[A-Za-z0-9][A-Za-z0-9._-]{0,35}$/.test(text);
}

/** Throws `command_unknown`. */
export function unknownCommand(commandId: string): never {
  throw new FleetwireError(errors.command_unknown, undefined, { details: { commandId: commandId.slice(0, 64) } });
}
