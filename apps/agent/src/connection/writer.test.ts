import type { AgentMessageInput } from "@fleetwire/proto";
import { expect, test } from "vitest";
import { createWriter } from "./writer.ts";

const beat = (sequence: number): AgentMessageInput => ({ heartbeat: { sequence } });

test("it writes in order, waits while the stream is full, and tells each sender when its message is on its way", async () => {
  const written: AgentMessageInput[] = [];
  const writer = createWriter({ write: (message) => written.push(message) % 2 === 1 });
  const sent: number[] = [];
  const all = [1, 2, 3, 4].map(async (n) => {
    expect(await writer.send(beat(n))).toBe(true);
    sent.push(n);
  });
  await Promise.all(all.slice(0, 2));
  expect(sent).toEqual([1, 2]);
  expect(written).toEqual([beat(1), beat(2)]);
  writer.drained();
  await Promise.all(all);
  expect(written).toEqual([1, 2, 3, 4].map(beat));
});

test("when the stream ends, what waits is given up, and what comes later too", async () => {
  const writer = createWriter({ write: () => false });
  const first = writer.send(beat(1));
  const second = writer.send(beat(2));
  writer.close();
  expect(await Promise.all([first, second, writer.send(beat(3))])).toEqual([true, false, false]);
});
