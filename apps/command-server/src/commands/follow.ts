import { FleetwireError } from "@fleetwire/service";
import { errors } from "../errors.ts";
import type { CommandStore, OutputPiece } from "../store/command-store.ts";
import { isTerminal, type Command } from "./command.ts";
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

/**
 * Throws `command_unknown` before the first event, and `store_unavailable` whenever the store is out of reach; who
 * follows then starts again from the last offset seen.
 */
export async function* followCommand(store: CommandStore, options: FollowOptions): AsyncGenerator<FollowEvent> {
  const { companyId, commandId, signal } = options;
  const changes = subscribe(store, commandId, signal);
  try {
    let told = -1;
    let output: OutputPosition | null = options.output && { ...options.output };
    while (!signal.aborted) {
      changes.reset();
      const command = await store.get(companyId, commandId);
      if (command === null) throw new FleetwireError(errors.command_unknown, undefined, { details: { commandId } });
      if (command.revision !== told) {
        told = command.revision;
        yield { kind: "state", command };
      }
      if (output !== null) output = yield* outputFrom(store, options, output);
      if (isTerminal(command.status)) {
        yield { kind: "end", command };
        return;
      }
      await changes.next();
    }
  } finally {
    changes.close();
  }
}

interface OutputPosition {
  from: number;
  attempt: number | null;
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
    if (read === null) throw new FleetwireError(errors.command_unknown, undefined, { details: { commandId } });
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

/** Turns the store's hints into "something changed since `reset`". */
function subscribe(store: CommandStore, commandId: string, signal: AbortSignal) {
  let changed = Promise.withResolvers<void>();
  const wake = () => changed.resolve();
  const unsubscribe = store.watch(commandId, wake);
  signal.addEventListener("abort", wake);
  return {
    reset(): void {
      changed = Promise.withResolvers<void>();
    },
    /** Resolves at the next change, at the signal, or in doubt. */
    async next(): Promise<void> {
      if (signal.aborted) return;
      const doubt = setTimeout(wake, doubtMs).unref();
      await changed.promise;
      clearTimeout(doubt);
    },
    close(): void {
      unsubscribe();
      signal.removeEventListener("abort", wake);
    },
  };
}
