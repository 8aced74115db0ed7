import * as fc from "fast-check";
import { expect, test } from "vitest";
import { createOutputBuffer } from "./output-buffer.ts";

const bounds = { windowBytes: 4_096, offlineBytes: 8_192 };
const text = (data: Uint8Array): string => Buffer.from(data).toString();

test("small writes to one stream travel together, a change of stream doesn't", () => {
  const buffer = createOutputBuffer(bounds);
  buffer.connect(null);
  for (const word of ["a", "b", "c"]) buffer.append("stdout", Buffer.from(word));
  buffer.append("stderr", Buffer.from("d"));
  expect(text(buffer.take(100)?.data ?? Buffer.alloc(0))).toBe("abc");
  expect(buffer.take(100)).toMatchObject({ offset: 3, stream: "stderr" });
  expect(buffer.take(100)).toBeNull();
});

test("connected it is full at the window, and no longer when enough is acknowledged", () => {
  const buffer = createOutputBuffer(bounds);
  buffer.connect(null);
  buffer.append("stdout", Buffer.alloc(5_000));
  expect(buffer.full).toBe(true);
  buffer.take(2_000);
  buffer.acknowledge(2_000);
  expect(buffer.full).toBe(false);
  buffer.disconnect();
  buffer.append("stdout", Buffer.alloc(100_000));
  expect(buffer.full).toBe(false);
});

test("many tiny pieces count for what they cost", () => {
  const buffer = createOutputBuffer(bounds);
  for (let n = 0; n < 10_000; n += 1) buffer.append(n % 2 === 0 ? "stdout" : "stderr", Buffer.from("x"));
  expect(buffer.pieces().length).toBeLessThan(bounds.offlineBytes / 64);
  expect(buffer.end).toBe(10_000);
});

const step = fc.oneof(
  fc.record({
    kind: fc.constant("append" as const),
    stream: fc.constantFrom("stdout" as const, "stderr" as const),
    length: fc.integer({ min: 1, max: 3_000 }),
  }),
  fc.record({ kind: fc.constant("take" as const), length: fc.integer({ min: 1, max: 2_000 }) }),
  fc.record({ kind: fc.constant("acknowledge" as const) }),
  fc.record({ kind: fc.constant("reconnect" as const), resumes: fc.boolean() }),
);

test("connected, every byte is sent once, in order and unchanged, through breaks too", () => {
  fc.assert(
    fc.property(fc.array(step, { maxLength: 60 }), (steps) => {
      const buffer = createOutputBuffer({ windowBytes: 1e9, offlineBytes: 1e9 });
      buffer.connect(null);
      let written = Buffer.alloc(0);
      let received = Buffer.alloc(0);
      const receive = (maxBytes: number): void => {
        const piece = buffer.take(maxBytes);
        if (piece === null) return;
        expect(piece.data.length).toBeLessThanOrEqual(maxBytes);
        // A server appends at its own end only: what it has already is cut off.
        expect(piece.offset).toBeLessThanOrEqual(received.length);
        received = Buffer.concat([received, piece.data.subarray(received.length - piece.offset)]);
      };
      for (const action of steps) {
        if (action.kind === "append") {
          const data = Buffer.alloc(action.length, written.length % 251);
          written = Buffer.concat([written, data]);
          buffer.append(action.stream, data);
        } else if (action.kind === "take") {
          receive(action.length);
        } else if (action.kind === "acknowledge") {
          buffer.acknowledge(received.length);
        } else {
          buffer.disconnect();
          buffer.connect(action.resumes ? received.length : null);
        }
      }
      while (buffer.unsentBytes > 0) receive(1_000);
      expect(received.equals(written)).toBe(true);
      expect(buffer.end).toBe(written.length);
    }),
  );
});

test("disconnected, the first and last bytes are kept within the bound, with one gap that the offset tells", () => {
  const length = fc.integer({ min: 1, max: 3_000 });
  fc.assert(
    fc.property(fc.array(length, { minLength: 20, maxLength: 60 }), (lengths) => {
      const buffer = createOutputBuffer(bounds);
      let written = Buffer.alloc(0);
      for (const size of lengths) {
        const data = Buffer.alloc(size, written.length % 251);
        written = Buffer.concat([written, data]);
        buffer.append("stdout", data);
      }
      const pieces = buffer.pieces();
      let kept = 0;
      let gaps = 0;
      let end = 0;
      for (const { offset, data } of pieces) {
        if (offset > end) gaps += 1;
        expect(offset).toBeGreaterThanOrEqual(end);
        expect(written.subarray(offset, offset + data.length).equals(data)).toBe(true);
        end = offset + data.length;
        kept += data.length;
      }
      expect(pieces[0]?.offset).toBe(0);
      expect(end).toBe(written.length);
      expect(kept).toBeLessThanOrEqual(bounds.offlineBytes);
      expect(gaps).toBe(kept < written.length ? 1 : 0);
    }),
  );
});
