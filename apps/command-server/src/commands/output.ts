import type { CommandStore, OutputPiece, OutputStream, StoredOutput } from "../store/command-store.ts";

/** How much is read from the store at once, bytes. */
export const outputReadBytes = 256 * 1024;

export interface WholeOutput {
  bytes: Buffer;
  /** Its length as produced, dropped bytes included. */
  length: number;
  /** Whether bytes are missing: dropped by the store, or beyond `maxBytes`. */
  truncated: boolean;
}

/** Stored output in memory, at most `maxBytes` of it from its begin. Null when the company has no such command. */
export async function readWholeOutput(
  store: CommandStore,
  companyId: string,
  commandId: string,
  maxBytes: number,
): Promise<WholeOutput | null> {
  const kept: Buffer[] = [];
  let room = maxBytes;
  let from: number | null = 0;
  let length = 0;
  let truncated = false;
  while (from !== null) {
    const read = await store.readOutput(companyId, commandId, from, Math.min(outputReadBytes, Math.max(room, 1)));
    if (read === null) return null;
    length = read.end;
    truncated ||= read.truncated;
    for (const piece of read.pieces) {
      const bytes = piece.data.subarray(0, room);
      truncated ||= bytes.length < piece.data.length;
      room -= bytes.length;
      kept.push(bytes);
    }
    if (read.next !== null && room === 0) truncated = true;
    from = room > 0 ? read.next : null;
  }
  return { bytes: Buffer.concat(kept), length, truncated };
}

export interface OutputRange {
  companyId: string;
  commandId: string;
  /** Null: both, in arrival order. */
  stream: OutputStream | null;
}

/**
 * Stored output from `first` on up to the end that it knew of, piece by piece; what isn't kept is left out. Holds one
 * read in memory.
 */
export async function* readPieces(
  store: CommandStore,
  range: OutputRange,
  first: StoredOutput,
): AsyncGenerator<OutputPiece> {
  let read: StoredOutput | null = first;
  while (read !== null && read.attempt === first.attempt) {
    for (const piece of read.pieces) {
      if (piece.offset >= first.end) return;
      if (range.stream === null || piece.stream === range.stream) yield piece;
    }
    if (read.next === null) return;
    read = await store.readOutput(range.companyId, range.commandId, read.next, outputReadBytes);
  }
}
