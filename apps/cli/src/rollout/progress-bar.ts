import type { RolloutCounts } from "../api/rollout.ts";
import type { Colors } from "../terminal/terminal.ts";
import { clockTime } from "../terminal/time.ts";
import { displayWidth, fitTo } from "../terminal/width.ts";
import { tallyOf } from "./counts.ts";

const gap = "  ";
/** A narrower terminal has room for figures alone. */
const leastColumnsForBar = 60;

/** How far a rollout is, as the bar shows it. */
export interface Progress {
  counts: RolloutCounts;
  /** Null: it goes on whatever happens. */
  maxErrors: number | null;
  elapsedMs: number;
}

/** A part of the line; those of the highest rank go first where it is too long. */
interface Figure {
  text: string;
  paint: (text: string) => string;
  rank: number;
}

/**
 * One line of at most `columns` that shows how far a rollout is: a bar, then its figures. Where it is narrow the less
 * telling figures are left out.
 */
export function progressBar(progress: Progress, { columns, colors }: { columns: number; colors: Colors }): string {
  // Of the terminal's width alone: a bar that grew and shrank beside its figures would mean nothing.
  const barWidth = columns < leastColumnsForBar ? 0 : Math.min(40, Math.floor(columns / 4));
  const room = barWidth === 0 ? columns : columns - barWidth - gap.length;
  const shown = fitted(figures(progress, colors), room).map(({ text, paint }) => paint(fitTo(text, room)));
  return [...(barWidth === 0 ? [] : [bar(progress.counts, barWidth, colors)]), ...shown].join(gap);
}

function figures({ counts, maxErrors, elapsedMs }: Progress, colors: Colors): Figure[] {
  const { done, targets, running, waiting, percent } = tallyOf(counts);
  const { failed, timeout, cancelled, expired, errors } = counts;
  return [
    { text: `${percent}%`.padStart(4), paint: colors.bold, rank: 2 },
    { text: `${done}/${targets}`, paint: plain, rank: 0 },
    { text: some(failed, "failed"), paint: colors.red, rank: 1 },
    { text: some(timeout, "timeout"), paint: colors.red, rank: 1 },
    { text: some(cancelled, "cancelled"), paint: colors.yellow, rank: 4 },
    { text: some(expired, "expired"), paint: colors.yellow, rank: 4 },
    {
      text: maxErrors === null ? "" : `${errors}/${maxErrors} errors`,
      paint: errors > 0 ? colors.red : plain,
      rank: 3,
    },
    { text: some(running, "running"), paint: colors.cyan, rank: 5 },
    { text: some(waiting, "waiting"), paint: colors.dim, rank: 6 },
    { text: clockTime(elapsedMs), paint: colors.dim, rank: 3 },
  ].filter(({ text }) => text !== "");
}

function plain(text: string): string {
  return text;
}

function some(count: number, what: string): string {
  return count > 0 ? `${count} ${what}` : "";
}

function fitted(all: readonly Figure[], columns: number): Figure[] {
  const kept = [...all];
  while (kept.length > 1 && widthOf(kept) > columns) {
    const highest = Math.max(...kept.map(({ rank }) => rank));
    const last = kept.findLastIndex(({ rank }) => rank === highest);
    kept.splice(last, 1);
  }
  return kept;
}

function widthOf(kept: readonly Figure[]): number {
  return kept.reduce((sum, { text }) => sum + displayWidth(text) + gap.length, -gap.length);
}

/** Rounded down at each border, so that it is full only when all is done. */
function bar(counts: RolloutCounts, width: number, colors: Colors): string {
  const { completed, failed, timeout, cancelled, expired, assigned, targets } = counts;
  const segments = [
    { amount: completed, glyph: "█", paint: colors.green },
    { amount: failed + timeout, glyph: "█", paint: colors.red },
    { amount: cancelled + expired, glyph: "█", paint: colors.yellow },
    { amount: assigned, glyph: "▒", paint: colors.cyan },
    { amount: targets, glyph: "░", paint: colors.dim },
  ];
  let amount = 0;
  let drawn = 0;
  let line = "";
  for (const segment of segments) {
    amount += segment.amount;
    const border = targets > 0 ? Math.min(width, Math.floor((amount / targets) * width)) : width;
    const cells = Math.max(0, border - drawn);
    if (cells > 0) line += segment.paint(segment.glyph.repeat(cells));
    drawn += cells;
  }
  return line;
}
