import * as fc from "fast-check";
import { describe, expect, it } from "vitest";
import { packPieces, type RunPiece } from "./output-pieces.ts";

const headBytes = 512 * 1024;
const run = { commandId: "c", agentId: "a", ledgerId: "l", attempt: 1 };
const piece = (offset: number, length: number, over: Partial<RunPiece> = {}): RunPiece => ({
  ...run,
  offset,
  stream: "stdout",
  data: Buffer.alloc(length, offset % 251),
  ...over,
});
const rowsOf = (pieces: RunPiece[]) => {
  const packed = packPieces(pieces, headBytes);
  return packed.offsets.map((offset, n) => [offset, packed.lengths[n]]);
};

/** Ranges of bytes, neighbours made one. */
function joined(offsets: number[], lengths: number[]): { from: number; to: number }[] {
  const ranges: { from: number; to: number }[] = [];
  for (const [n, from] of offsets.entries()) {
    const to = from + (lengths[n] ?? 0);
    const last = ranges.at(-1);
    if (last?.to === from) last.to = to;
    else if (to > from) ranges.push({ from, to });
  }
  return ranges;
}

describe("packing output", () => {
  it("makes one row of neighbours of one stream and run", () => {
    expect(rowsOf([piece(0, 10), piece(10, 5), piece(15, 1)])).toEqual([[0, 16]]);
    expect(rowsOf([piece(0, 10), piece(10, 5, { stream: "stderr" })])).toEqual([
      [0, 10],
      [10, 5],
    ]);
    expect(rowsOf([piece(0, 10), piece(10, 5, { attempt: 2 })])).toEqual([
      [0, 10],
      [10, 5],
    ]);
    expect(rowsOf([piece(0, 10), piece(11, 5)])).toEqual([
      [0, 10],
      [11, 5],
    ]);
  });

  it("cuts what is large, and never crosses the border of the head", () => {
    expect(rowsOf([piece(0, 150_000)])).toEqual([
      [0, 65_536],
      [65_536, 65_536],
      [131_072, 18_928],
    ]);
    expect(rowsOf([piece(headBytes - 3, 10)])).toEqual([
      [headBytes - 3, 3],
      [headBytes, 7],
    ]);
    expect(rowsOf([piece(headBytes - 3, 3), piece(headBytes, 7)])).toEqual([
      [headBytes - 3, 3],
      [headBytes, 7],
    ]);
  });

  it("loses and moves no byte", () => {
    const pieces = fc.array(
      fc.record({
        offset: fc.integer({ min: headBytes - 200_000, max: headBytes + 200_000 }),
        length: fc.integer({ min: 0, max: 150_000 }),
      }),
      { maxLength: 6 },
    );
    fc.assert(
      fc.property(pieces, (shapes) => {
        const all = shapes.map(({ offset, length }) => piece(offset, length));
        const packed = packPieces(all, headBytes);
        expect(joined(packed.offsets, packed.lengths)).toEqual(
          joined(
            all.map(({ offset }) => offset),
            all.map(({ data }) => data.length),
          ),
        );
        expect(packed.starts).toEqual(
          packed.lengths.map((_, n) => packed.lengths.slice(0, n).reduce((sum, length) => sum + length, 0)),
        );
        expect(packed.bytes.equals(Buffer.concat(all.map(({ data }) => data)))).toBe(true);
        for (const [n, length] of packed.lengths.entries()) {
          const offset = packed.offsets[n] ?? 0;
          expect(length).toBeLessThanOrEqual(65_536);
          expect(offset >= headBytes || offset + length <= headBytes).toBe(true);
        }
      }),
    );
  });
});
