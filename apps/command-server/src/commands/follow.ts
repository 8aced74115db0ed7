import type { CommandChange, CommandStore, OutputPiece } from "../store/command-store.ts";
import { isTerminal, type Command } from "./command.ts";
import { isCommandId, unknownCommand } from "./find-command.ts";
import { outputReadBytes } from "./output.ts";

/**
 * Following one command: its state now, then each change and its output, to the end. The store is the buffer: nothing
 * is held for a reader who is slow, who simply asks for the next event later and reads on from the offset where he was.
 * States that follow each other faster than he asks are told as one; the last is always told.
 */
export type FollowEvent =
  | { kind: "state"; command: Command }
  | { kind: "output"; piece: OutputPiece; attempt: number }
  /** Bytes that aren't kept: the reader was too slow, or the agent had to drop them. */
  | { kind: "gap"; offset: number; bytes: number; attempt: number }
  | { kind: "end"; command: Command };

export interface FollowOptions {
  companyId: string;
  commandId: string;
  /** Whether output is wanted, and from which byte of which attempt (null: of the one that there is). */
  output: { from: number; attempt: number | null } | null;
  /** Ends the following without an `end`. */
  signal: AbortSignal;
}

/** Without any hint the record is read again after this long: a watcher that missed one isn't stuck. */
const doubtMs = 30_000;

/** Of a reader who is slower than this many changes, the record is read. */
const keptChanges = 16;

/**
 * Throws `command_unknown` before the first event, and `store_unavailable` whenever the store is out of reach; who
 * follows then starts again from the last offset seen.
 */
export async function* followCommand(store: CommandStore, options: FollowOptions): AsyncGenerator<FollowEvent> {
  const { companyId, commandId, signal } = options;
  if (!isCommandId(commandId)) unknownCommand(commandId);
  const changes = subscribe(store, commandId, signal);
  try {
    let command: Command | null = null;
    let output: OutputPosition | null = options.output && { ...options.output };
    while (!signal.aborted) {
      const news = changes.take();
      const told: number = command?.revision ?? -1;
      command = changedBy(command, news) ?? (await store.get(companyId, commandId)) ?? unknownCommand(commandId);
      if (command.revision !== told) yield { kind: "state", command };
      if (output !== null && mayHaveOutput(command, output, news.outputGrew)) {
        output = yield* outputFrom(store, options, output);
      }
      if (isTerminal(command.status)) {
        yield { kind: "end", command };
        return;
      }
      await changes.next({ after: command.revision, output: output !== null });
    }
  } finally {
    changes.close();
  }
}

/** The command after what the hints said; null where that takes a look at the record. */
function changedBy(command: Command | null, news: News): Command | null {
  // Output of what is queued for all we know: the hint that it was assigned is still to come.
  if (command === null || (command.status === "queued" && news.outputGrew && news.changes.length === 0)) return null;
  let known = command;
  for (const change of news.changes) if (change.revision === known.revision + 1) known = { ...known, ...change };
  return known.revision >= news.revision ? known : null;
}

interface OutputPosition {
  from: number;
  attempt: number | null;
}

/** Whether there may be output after the position, so that it is worth a read. */
function mayHaveOutput({ status, attempt, result }: Command, position: OutputPosition, outputGrew: boolean): boolean {
  if (status === "queued") return false;
  return outputGrew || position.attempt !== attempt || (result !== null && result.outputBytes > position.from);
}

/** Everything stored from `position` on. Another attempt than the position's begins its output anew. */
async function* outputFrom(
  store: CommandStore,
  { companyId, commandId, signal }: FollowOptions,
  position: OutputPosition,
): AsyncGenerator<FollowEvent, OutputPosition> {
  let { from, attempt } = position;
  let next: number | null = from;
  while (next !== null && !signal.aborted) {
    const read = await store.readOutput(companyId, commandId, next, outputReadBytes);
    if (read === null) return unknownCommand(commandId);
    if (attempt !== null && attempt !== read.attempt) {
      attempt = read.attempt;
      from = 0;
      next = 0;
      continue;
    }
    attempt = read.attempt;
    for (const piece of read.pieces) {
      if (piece.offset > from) yield { kind: "gap", offset: from, bytes: piece.offset - from, attempt };
      yield { kind: "output", piece, attempt };
      from = piece.offset + piece.data.length;
    }
    if (read.next === null && read.end > from) {
      yield { kind: "gap", offset: from, bytes: read.end - from, attempt };
      from = read.end;
    }
    next = read.next;
  }
  return { from, attempt };
}

/** What the store's hints said. */
interface News {
  /** The command's revision is at least this; Infinity: not known. */
  revision: number;
  /** Those of its changes that came with their content, in order. */
  changes: readonly CommandChange[];
  outputGrew: boolean;
}

/** Gathers the store's hints, so that only what they speak of is read. */
function subscribe(store: CommandStore, commandId: string, signal: AbortSignal) {
  const unknown: News = { revision: Infinity, changes: [], outputGrew: true };
  let news = unknown;
  let wake: (() => void) | null = null;
  const unsubscribe = store.watch(commandId, (event) => {
    if (event.kind === "output") news = { ...news, outputGrew: true };
    else {
      const changes = event.change ? [...news.changes, event.change].slice(-keptChanges) : news.changes;
      news = { ...news, changes, revision: Math.max(news.revision, event.revision) };
    }
    wake?.();
  });
  const onAbort = () => wake?.();
  signal.addEventListener("abort", onAbort);
  return {
    /** What was hinted since the last time; everything at first. */
    take(): News {
      const taken = news;
      news = { revision: -1, changes: [], outputGrew: false };
      return taken;
    },
    /** Resolves when something was hinted that isn't known yet, at the signal, or in doubt. */
    async next(known: { after: number; output: boolean }): Promise<void> {
      const doubt = setTimeout(() => {
        news = unknown;
        wake?.();
      }, doubtMs).unref();
      while (!signal.aborted && news.revision <= known.after && !(known.output && news.outputGrew)) {
        await new Promise<void>((resolve) => (wake = resolve));
      }
      clearTimeout(doubt);
    },
    close(): void {
      unsubscribe();
      signal.removeEventListener("abort", onAbort);
    },
  };
}
