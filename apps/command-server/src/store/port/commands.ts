// What the store keeps of commands, and what operators ask of it. See `../command-store.ts` for what every method promises.
import type { Command, CommandStatus, JsonObject, Lane, RetryPolicy } from "../../commands/command.ts";

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

export interface CommandRecords {
  /**
   * Batched with its neighbours; at most one statement for 200 commands. Wakes the holder of the agent's session; where
   * that is this server and nothing waits before the command, it may be assigned in the same step (see `SlotOffer`).
   */
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
