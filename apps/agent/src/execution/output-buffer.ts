import type { OutputPiece, OutputStream } from "../ledger/records.ts";

/** A command's output that the server hasn't acknowledged, in the order in which it arrived. */
export interface OutputBuffer {
  append(stream: OutputStream, data: Uint8Array): void;
  /** The next unsent piece, of at most `maxBytes`; null when all is sent. */
  take(maxBytes: number): OutputPiece | null;
  /** The server has everything before this byte. */
  acknowledge(offset: number): void;
  /** A stream began: send from this byte on (null: from the first one kept), and hold back beyond the window. */
  connect(offset: number | null): void;
  /** The stream ended: hold nothing back, keep the first and the last part. */
  disconnect(): void;
  /** True while no more should be read from the command. */
  readonly full: boolean;
  readonly unsentBytes: number;
  /** Length of the whole output so far, dropped bytes included. */
  readonly end: number;
  /** Everything unacknowledged. */
  pieces(): OutputPiece[];
}

// What a piece costs beside its bytes: many tiny pieces must not escape the bounds.
const overheadBytes = 64;
const largestPieceBytes = 64 * 1024;
const mergeBelowBytes = 16 * 1024;

export interface OutputBounds {
  /** Unacknowledged bytes at which a connected command is held back. */
  windowBytes: number;
  /** Kept while disconnected. */
  offlineBytes: number;
}

const defaultOutputBounds: OutputBounds = { windowBytes: 512 * 1024, offlineBytes: 1024 * 1024 };

/**
 * Bounds: connected, reading stops at `windowBytes` unacknowledged. Disconnected, a command isn't blocked: the first
 * half of `offlineBytes` and the last part up to `offlineBytes` in all are kept, the middle is dropped, and the next
 * chunk's `dropped_before` says so.
 */
export function createOutputBuffer(bounds: OutputBounds = defaultOutputBounds): OutputBuffer {
  let sent: OutputPiece[] = [];
  let unsent: OutputPiece[] = [];
  let cost = 0;
  let unsentBytes = 0;
  let end = 0;
  let connected = false;

  function append(stream: OutputStream, data: Uint8Array): void {
    for (let at = 0; at < data.length; at += largestPieceBytes) {
      add(stream, data.subarray(at, at + largestPieceBytes));
    }
    if (!connected && cost > bounds.offlineBytes) dropMiddle();
  }

  function add(stream: OutputStream, data: Uint8Array): void {
    const last = unsent.at(-1);
    const merges =
      last !== undefined &&
      last.stream === stream &&
      last.offset + last.data.length === end &&
      last.data.length + data.length <= mergeBelowBytes;
    if (merges) {
      last.data = Buffer.concat([last.data, data]);
      cost += data.length;
    } else {
      unsent.push({ offset: end, stream, data });
      cost += data.length + overheadBytes;
    }
    unsentBytes += data.length;
    end += data.length;
  }

  /** Leaves some room below the bound, so that a flood doesn't come here with each piece. */
  function dropMiddle(): void {
    const half = bounds.offlineBytes / 2;
    unsent = [...firstPart(unsent, half), ...lastPart(unsent, half - bounds.offlineBytes / 16)];
    measure();
  }

  function measure(): void {
    unsentBytes = 0;
    cost = 0;
    for (const piece of unsent) unsentBytes += piece.data.length;
    for (const piece of [...sent, ...unsent]) cost += piece.data.length + overheadBytes;
  }

  function take(maxBytes: number): OutputPiece | null {
    const first = unsent[0];
    if (first === undefined) return null;
    let piece = first;
    if (first.data.length > maxBytes) {
      piece = { ...first, data: first.data.subarray(0, maxBytes) };
      unsent[0] = { ...first, offset: first.offset + maxBytes, data: first.data.subarray(maxBytes) };
      cost += overheadBytes;
    } else {
      unsent.shift();
    }
    unsentBytes -= piece.data.length;
    sent.push(piece);
    return piece;
  }

  function acknowledge(offset: number): void {
    const kept = sent.findIndex((piece) => piece.offset + piece.data.length > offset);
    for (const piece of sent.splice(0, kept === -1 ? sent.length : kept)) cost -= piece.data.length + overheadBytes;
    const first = sent[0];
    if (first === undefined || first.offset >= offset) return;
    sent[0] = from(first, offset);
    cost -= offset - first.offset;
  }

  function rewind(offset: number | null): void {
    unsent = [...sent, ...unsent];
    sent = [];
    if (offset !== null) {
      unsent = unsent.filter((piece) => piece.offset + piece.data.length > offset);
      const first = unsent[0];
      if (first !== undefined && first.offset < offset) unsent[0] = from(first, offset);
    }
    measure();
  }

  return {
    append,
    take,
    acknowledge,
    connect(offset) {
      connected = true;
      rewind(offset);
    },
    disconnect() {
      connected = false;
      rewind(null);
      if (cost > bounds.offlineBytes) dropMiddle();
    },
    get full() {
      return connected && cost >= bounds.windowBytes;
    },
    get unsentBytes() {
      return unsentBytes;
    },
    get end() {
      return end;
    },
    pieces: () => [...sent, ...unsent],
  };
}

function from(piece: OutputPiece, offset: number): OutputPiece {
  return { offset, stream: piece.stream, data: piece.data.subarray(offset - piece.offset) };
}

/** The pieces from the first one on that cost this much together; the last of them cut where needed. */
function firstPart(pieces: readonly OutputPiece[], bytes: number): OutputPiece[] {
  const part: OutputPiece[] = [];
  let room = bytes;
  for (const piece of pieces) {
    const fitting = Math.min(piece.data.length, room - overheadBytes);
    if (fitting <= 0) break;
    part.push({ ...piece, data: piece.data.subarray(0, fitting) });
    room -= fitting + overheadBytes;
  }
  return part;
}

/** The pieces up to the last one that cost this much together; the first of them cut where needed. */
function lastPart(pieces: readonly OutputPiece[], bytes: number): OutputPiece[] {
  const part: OutputPiece[] = [];
  let room = bytes;
  for (const piece of pieces.toReversed()) {
    const fitting = Math.min(piece.data.length, room - overheadBytes);
    if (fitting <= 0) break;
    part.push(from(piece, piece.offset + piece.data.length - fitting));
    room -= fitting + overheadBytes;
  }
  return part.toReversed();
}
