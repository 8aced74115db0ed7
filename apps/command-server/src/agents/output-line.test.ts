import { describe, expect, it } from "vitest";
import type { OutputFrame } from "./frames.ts";
import { OutputLine } from "./output-line.ts";

function chunk(offset: number, text: string, stream: OutputFrame["stream"] = "stdout"): OutputFrame {
  return { kind: "output", commandId: "c1", attempt: 1, droppedBefore: 0, offset, stream, data: Buffer.from(text) };
}

/** A line whose appends wait until they are let through; `stored` says what went to the store, in order. */
function heldLine() {
  const stored: string[] = [];
  const appends: (() => void)[] = [];
  const works: Promise<void>[] = [];
  let empties = 0;
  const line = new OutputLine({
    append: async ({ offset, data }) => {
      stored.push(`${offset}:${data.toString()}`);
      await new Promise<void>((resolve) => appends.push(resolve));
    },
    began: (_, work) => void works.push(work()),
    empty: () => (empties += 1),
  });
  const letThrough = async (): Promise<void> => {
    appends.shift()?.();
    await new Promise((resolve) => setImmediate(resolve));
  };
  return { line, stored, letThrough, works, empties: () => empties };
}

describe("OutputLine", () => {
  it("stores the result after all output that came before", async () => {
    const { line, stored, letThrough, works, empties } = heldLine();
    line.push(chunk(0, "a"));
    line.end(async () => void stored.push("result"));
    expect(stored).toEqual(["0:a"]);
    expect(empties()).toBe(0);
    await letThrough();
    await Promise.all(works);
    expect(stored).toEqual(["0:a", "result"]);
  });

  it("sends together what follows on while the store is busy, but not over a gap or into another stream", async () => {
    const { line, stored, letThrough } = heldLine();
    line.push(chunk(0, "a"));
    line.push(chunk(1, "bc"));
    line.push(chunk(3, "d"));
    line.push(chunk(9, "e"));
    line.push(chunk(10, "f", "stderr"));
    for (let round = 0; round < 5; round += 1) await letThrough();
    expect(stored).toEqual(["0:a", "1:bcd", "9:e", "10:f"]);
  });

  it("stores nothing after a piece that couldn't be stored, since that would leave a hole", async () => {
    const outcomes: string[] = [];
    const line = new OutputLine({
      append: ({ offset }) => {
        outcomes.push(`append ${offset}`);
        return Promise.reject(new Error("bad row"));
      },
      began: (_, work) => {
        void work().then(
          () => outcomes.push("stored"),
          () => outcomes.push("failed"),
        );
      },
      empty: () => {},
    });
    line.push(chunk(0, "a"));
    line.push(chunk(5, "b"));
    line.end(async () => void outcomes.push("result"));
    await new Promise((resolve) => setImmediate(resolve));
    line.push(chunk(6, "c"));
    await new Promise((resolve) => setImmediate(resolve));
    expect(outcomes).toEqual(["append 0", "failed", "failed", "failed"]);
  });
});
