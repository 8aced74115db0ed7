import type { RolloutCounts } from "../api/rollout.ts";
import { createLiveLine } from "../terminal/live-line.ts";
import { createPace } from "../terminal/pace.ts";
import type { Terminal } from "../terminal/terminal.ts";
import { progressBar, type Progress } from "./progress-bar.ts";
import { progressText } from "./progress-text.ts";

/** Shows on stderr how far a rollout is while it is followed. */
export interface ProgressView {
  show(counts: RolloutCounts): void;
  note(message: string): Promise<void>;
  /** Leaves the terminal as it was found. */
  end(): Promise<void>;
}

const barMs = 100;
const clockMs = 1000;
const lineMs = 1000;

/**
 * A bar that is drawn anew in its place where that can be done, else a line at each change and at most one a second.
 * `startedMs`: when the rollout began, on the monotonic clock.
 */
export function createProgressView(
  terminal: Terminal,
  { startedMs, maxErrors }: { startedMs: number; maxErrors: number | null },
): ProgressView {
  const progressOf = (counts: RolloutCounts): Progress => {
    return { counts, maxErrors, elapsedMs: performance.now() - startedMs };
  };
  return terminal.err.canRedraw ? createBarView(terminal, progressOf) : createLineView(terminal, progressOf);
}

function createBarView(terminal: Terminal, progressOf: (counts: RolloutCounts) => Progress): ProgressView {
  const line = createLiveLine(terminal.err);
  let latest: RolloutCounts | null = null;
  const redraw = () => {
    if (!latest) return;
    // The last column stays free: some terminals begin a new line there.
    const columns = (terminal.err.columns ?? 80) - 1;
    line.draw(progressBar(progressOf(latest), { columns, colors: terminal.err.colors }));
  };
  const pace = createPace(barMs, redraw);
  const clock = setInterval(redraw, clockMs).unref();
  return {
    show(counts) {
      latest = counts;
      pace.offer(undefined);
    },
    async note(message) {
      await line.erase();
      await terminal.note(message);
      redraw();
    },
    async end() {
      clearInterval(clock);
      pace.drop();
      await line.end();
    },
  };
}

function createLineView(terminal: Terminal, progressOf: (counts: RolloutCounts) => Progress): ProgressView {
  let last = "";
  let writing = Promise.resolve();
  const pace = createPace<RolloutCounts>(lineMs, (counts) => {
    const text = progressText(progressOf(counts));
    writing = writing.then(() => terminal.note(`fleetwire: ${text}`));
  });
  return {
    show(counts) {
      const change = JSON.stringify(counts);
      if (change === last) return;
      last = change;
      pace.offer(counts);
    },
    note: (message) => terminal.note(message),
    async end() {
      // The end is told by who follows.
      pace.drop();
      await writing;
    },
  };
}
