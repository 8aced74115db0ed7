// What happened, to be read by cursor or watched. See `../command-store.ts` for what every method promises.
import type { Command, CommandStatus, JsonObject } from "../../commands/command.ts";

export type FeedKind = `command.${CommandStatus}` | "agent.connected" | "agent.disconnected";

export interface FeedEntry {
  cursor: string;
  at: Date;
  kind: FeedKind;
  companyId: string;
  agentId: string;
  commandId: string | null;
  /** The command's revision; orders the entries of one command. Null for agents. */
  revision: number | null;
  /** For commands: attempt, type, exitCode, error; for agents: epoch, serverId, reason. */
  data: JsonObject;
}

/** All that a transition can have changed about a command. */
export type CommandChange = Pick<
  Command,
  "status" | "revision" | "attempt" | "assignedAt" | "startedAt" | "finishedAt" | "cancelRequestedAt" | "result"
>;

/**
 * What a watcher is told: a hint. `change` is there where the store had it at hand: who knows the command as of the
 * revision before needn't read it again. In doubt, read the record.
 */
export type WatchEvent =
  | { kind: "state"; commandId: string; status: CommandStatus; revision: number; change?: CommandChange }
  | { kind: "output"; commandId: string; end: number };

export interface Feed {
  /** Entries after `cursor` (null: the oldest kept), in commit order. `lost` counts what was removed before it was read. */
  readFeed(
    cursor: string | null,
    limit: number,
    companyId?: string,
  ): Promise<{ entries: FeedEntry[]; cursor: string; lost: number }>;
  /** The cursor after everything written so far. */
  feedEnd(): Promise<string>;
  /** Changes of one command, from whichever server: right away from this one, within 500 ms from another. */
  watch(commandId: string, listener: (event: WatchEvent) => void): () => void;
  /** Called when the feed has grown by this server's doing, or may have by another's (at most every 5 ms). */
  onFeed(listener: () => void): () => void;
}
