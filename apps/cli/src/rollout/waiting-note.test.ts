import { afterEach, beforeEach, expect, test, vi } from "vitest";
import { readProgress } from "../api/rollout.ts";
import { AnswerRecord } from "../api/record.ts";
import { createWaitingNote } from "./waiting-note.ts";

beforeEach(() => {
  vi.useFakeTimers();
});
afterEach(() => {
  vi.useRealTimers();
});

function counts(change: object) {
  return readProgress(new AnswerRecord({ rolloutId: "r", status: "running", counts: change })).counts;
}

function noted() {
  const said: string[] = [];
  return { said, note: createWaitingNote((words) => said.push(words)) };
}

test("what waits for agents that don't take it is told once", () => {
  const { said, note } = noted();
  note.see(counts({ queued: 2 }));
  vi.advanceTimersByTime(60_000);
  note.see(counts({ queued: 1 }));
  vi.advanceTimersByTime(60_000);
  expect(said).toEqual(["2 commands wait for their agents, which are away or busy"]);
});

test("nothing is told while anything moves, runs or is over", () => {
  const { said, note } = noted();
  for (let each = 0; each < 10; each += 1) {
    note.see(counts({ queued: 10 - each }));
    vi.advanceTimersByTime(4_000);
  }
  note.see(counts({ queued: 1, assigned: 1 }));
  vi.advanceTimersByTime(60_000);
  note.see(counts({ completed: 2 }));
  vi.advanceTimersByTime(60_000);
  note.see(counts({ queued: 1 }));
  note.end();
  vi.advanceTimersByTime(60_000);
  expect(said).toEqual([]);
});
