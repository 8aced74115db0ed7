import type { OutputReport } from "../command-store.ts";

/** Output of one run on its way into a statement. */
export type RunPiece = OutputReport;

/** Largest row of `command_output`, bytes. */
export const maxPieceBytes = 64 * 1024;

/** Columns of the pieces, whose bytes lie one after the other in `bytes`. */
export interface PackedPieces {
  bytes: Buffer;
  commandIds: string[];
  agentIds: string[];
  ledgerIds: string[];
  attempts: number[];
  offsets: number[];
  streams: string[];
  /** Where in `bytes` the piece begins. */
  starts: number[];
  lengths: number[];
}

/**
 * Lays pieces out as the columns of one statement. Neighbours of one stream become one row, large ones several; none
 * crosses `headBytes`, so that the kept head ends exactly there.
 */
export function packPieces(pieces: readonly RunPiece[], headBytes: number): PackedPieces {
  const packed: PackedPieces = {
    bytes: Buffer.concat(pieces.map(({ data }) => data)),
    commandIds: [],
    agentIds: [],
    ledgerIds: [],
    attempts: [],
    offsets: [],
    streams: [],
    starts: [],
    lengths: [],
  };
  let start = 0;
  for (const piece of pieces) {
    let offset = piece.offset;
    const end = piece.offset + piece.data.length;
    while (offset < end) {
      const border = offset < headBytes ? headBytes : Infinity;
      const row = packed.lengths.length - 1;
      const room =
        continues(packed, row, piece, offset) && offset !== headBytes ? maxPieceBytes - (packed.lengths[row] ?? 0) : 0;
      const length = Math.min(end - offset, border - offset, room > 0 ? room : maxPieceBytes);
      if (room > 0) packed.lengths[row] = (packed.lengths[row] ?? 0) + length;
      else {
        packed.commandIds.push(piece.commandId);
        packed.agentIds.push(piece.agentId);
        packed.ledgerIds.push(piece.ledgerId);
        packed.attempts.push(piece.attempt);
        packed.offsets.push(offset);
        packed.streams.push(piece.stream);
        packed.starts.push(start);
        packed.lengths.push(length);
      }
      offset += length;
      start += length;
    }
  }
  return packed;
}

function continues(packed: PackedPieces, row: number, piece: RunPiece, offset: number): boolean {
  return (
    packed.commandIds[row] === piece.commandId &&
    packed.agentIds[row] === piece.agentId &&
    packed.ledgerIds[row] === piece.ledgerId &&
    packed.attempts[row] === piece.attempt &&
    packed.streams[row] === piece.stream &&
    (packed.offsets[row] ?? 0) + (packed.lengths[row] ?? 0) === offset
  );
}
