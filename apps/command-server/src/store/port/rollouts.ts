// Rollouts: one request that became many commands. See `../command-store.ts` for what every method promises, and
// `../../rollouts/rollout.ts` for the rules of a rollout's life.
import type { Command, CommandStatus, JsonObject } from "../../commands/command.ts";
import type { Rollout, RolloutStatus, RolloutTemplate } from "../../rollouts/rollout.ts";
import type { Page } from "./commands.ts";

export interface NewRollout {
  /** UUIDv7, made by the caller. */
  rolloutId: string;
  companyId: string;
  /**
   * At least one, in the order in which they are queued; agents distinct and of the company, command ids new UUIDv7.
   * Stored as given. An agent that is another company's by the time isn't given its command.
   */
  targets: readonly { agentId: string; commandId: string }[];
  template: RolloutTemplate;
  /** Of each command; null: when it is queued + `defaultExpiryMs`. */
  expiresAt: Date | null;
  /** Most commands that are queued or assigned at a time, 1 or more; null: no bound. */
  maxConcurrency: number | null;
  /** More errors than this halt it, 0 or more; null: none do. */
  maxErrors: number | null;
  /** For the record. */
  selection: JsonObject;
  unable: number;
  retryOf: string | null;
  idempotencyKey: { key: string; bodyHash: string } | null;
  createdBy: string;
}

/** A repeated call (the same `rolloutId`) changes nothing and is answered `created`. */
export type CreateRolloutOutcome =
  | { kind: "created" }
  /** The idempotency key was used before, with the same body. */
  | { kind: "duplicate"; rolloutId: string; status: RolloutStatus; targets: number; unable: number }
  /** Used with another body, or for a command: rollouts and commands share one namespace of keys. */
  | { kind: "key_reused" };

export interface AdvanceOutcome {
  /** After this step. */
  status: RolloutStatus;
  /** The commands' type, for counting. */
  type: string;
  /** Commands that this step queued, and queued ones that it cancelled. */
  queued: number;
  cancelled: number;
  /** Whether there is more to do right away. */
  more: boolean;
  /** The rollout as it ended, where it was this step that ended it. */
  ended: Rollout | null;
}

export type StopRolloutOutcome =
  | { kind: "stopped"; rollout: Rollout; cancelled: number; cancelRequested: number }
  /** It wasn't running. With `cancelRunning`, what still ran was asked to end all the same. */
  | { kind: "already_ended"; rollout: Rollout; cancelRequested: number }
  | { kind: "not_found" };

export interface ListRollouts {
  companyId: string;
  statuses?: readonly RolloutStatus[];
  limit: number;
  cursor: string | null;
}

/** One target and what became of it. */
export interface RolloutTarget {
  agentId: string;
  commandId: string;
  /** `pending`: not queued yet. `removed`: the command's record was past its keep. */
  status: CommandStatus | "pending" | "removed";
  /** The command's, see `CommandResult`. */
  error: string | null;
}

export interface RolloutResultsQuery {
  companyId: string;
  rolloutId: string;
  statuses?: readonly CommandStatus[];
  exitCode?: number;
  agentId?: string;
  limit: number;
  cursor: string | null;
  /** How much of each output is wanted. */
  outputBytes: number;
}

export interface RolloutResult {
  command: Command;
  /** What is kept of the first `outputBytes` bytes of the output, both streams in arrival order. */
  output: Buffer;
  /** Results after this one are read from here. */
  cursor: string;
}

/** Who holds an idempotency key of the company: exactly one of both ids. */
export interface KeyHolder {
  bodyHash: string;
  commandId: string | null;
  rolloutId: string | null;
}

export interface Rollouts {
  /** Stores the rollout with its targets, `running`; queues nothing yet. */
  createRollout(rollout: NewRollout): Promise<CreateRolloutOutcome>;
  /**
   * One step, atomic under the rollout's own lock, as `nextStep` of `rollout.ts` has it: counts the live commands and the
   * errors, then halts the rollout, or ends it, or queues the next targets' commands: at most `limit`, at most what
   * `maxConcurrency` leaves free. Queues as `enqueue` does: feed and wake-ups included. May be repeated, and called by
   * several servers at once. Null where there is no such rollout.
   */
  advanceRollout(rolloutId: string, limit: number): Promise<AdvanceOutcome | null>;
  /** Of all companies, those that a step may still change: all that are running. `due`: one would now, as far as a look can tell; true in doubt. */
  activeRollouts(): Promise<{ rolloutId: string; status: RolloutStatus; due: boolean }[]>;
  getRollout(companyId: string, rolloutId: string): Promise<Rollout | null>;
  /** Newest first. */
  listRollouts(query: ListRollouts): Promise<Page<Rollout>>;
  /**
   * Nothing of it is queued after this has resolved, and its queued commands are cancelled (error `rollout_stopped`; where
   * it is `advanceRollout` that halts it, `rollout_halted`). With `cancelRunning` what its agents have is asked to end too.
   */
  stopRollout(companyId: string, rolloutId: string, o: { cancelRunning: boolean }): Promise<StopRolloutOutcome>;
  /** The commands that were queued so far and are still kept, in target order, with their output. Empty where the company has no such rollout. */
  rolloutResults(query: RolloutResultsQuery): Promise<Page<RolloutResult>>;
  /** Every target, in target order. Empty where the company has no such rollout. */
  rolloutTargets(query: {
    companyId: string;
    rolloutId: string;
    limit: number;
    cursor: string | null;
  }): Promise<Page<RolloutTarget>>;
  /** Who holds this key; null: nobody. */
  keyHolder(companyId: string, key: string): Promise<KeyHolder | null>;
}
