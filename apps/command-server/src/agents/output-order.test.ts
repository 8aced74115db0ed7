import * as fc from "fast-check";
import { describe, expect, it } from "vitest";
import type { OutputFrame } from "./frames.ts";
import { OutputOrder } from "./output-order.ts";

function chunk(offset: number, length: number, droppedBefore = 0): OutputFrame {
  const data = Buffer.alloc(length, 97);
  return { kind: "output", commandId: "c1", attempt: 1, offset, droppedBefore, stream: "stdout", data };
}

const offsets = (frames: OutputFrame[]) => frames.map(({ offset }) => offset);

describe("OutputOrder", () => {
  it("holds a chunk that came too early until the one before it has come", () => {
    const order = new OutputOrder(1, 0);
    expect(offsets(order.accept(chunk(10, 5)))).toEqual([]);
    expect(offsets(order.accept(chunk(5, 5)))).toEqual([]);
    expect(order.reached(15)).toBe(false);
    expect(offsets(order.accept(chunk(0, 5)))).toEqual([0, 5, 10]);
    expect(order.reached(15)).toBe(true);
  });

  it("lets a chunk pass at once that says what was dropped before it, but no more than that", () => {
    const order = new OutputOrder(1, 100);
    expect(offsets(order.accept(chunk(200, 5, 90)))).toEqual([]);
    expect(offsets(order.accept(chunk(150, 5, 50)))).toEqual([150, 200]);
  });

  it("lets repeats pass: the store trims them", () => {
    const order = new OutputOrder(1, 100);
    expect(offsets(order.accept(chunk(90, 5)))).toEqual([90]);
    expect(offsets(order.accept(chunk(95, 10)))).toEqual([95]);
    expect(order.reached(105)).toBe(true);
  });

  it("takes what is missing for lost once too much waits for it", () => {
    const order = new OutputOrder(1, 0);
    const given: number[] = [];
    for (let offset = 10; offset < 60; offset += 1) given.push(...offsets(order.accept(chunk(offset, 1))));
    expect(given).toEqual(Array.from({ length: 50 }, (_, index) => index + 10));
    expect(order.reached(60)).toBe(true);
  });

  it("gives each chunk once, none before what precedes it, however they are shuffled and repeated", () => {
    const arrivals = fc.array(fc.integer({ min: 0, max: 19 }), { maxLength: 60 });
    fc.assert(
      fc.property(arrivals, (indexes) => {
        const order = new OutputOrder(1, 0);
        let end = 0;
        let given = 0;
        for (const index of [...indexes, ...Array.from({ length: 20 }, (_, at) => at)]) {
          for (const frame of order.accept(chunk(index * 3, 3))) {
            expect(frame.offset).toBeLessThanOrEqual(end);
            end = Math.max(end, frame.offset + 3);
            given += 1;
          }
        }
        expect(end).toBe(60);
        expect(given).toBe(indexes.length + 20);
      }),
      { numRuns: 200 },
    );
  });
});
