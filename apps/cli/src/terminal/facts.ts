import { relativeTime } from "./time.ts";
import type { Colors } from "./terminal.ts";
import { visibleLine } from "./visible.ts";
import { displayWidth } from "./width.ts";

/** A name and what is known under it; nothing is shown for null and "". */
export type Fact = [name: string, value: string | number | null, paint?: (cell: string) => string];

/** One line for each fact, values aligned and safe to print. */
export function factLines(facts: readonly Fact[], colors: Colors): string[] {
  const known = facts.filter(([, value]) => value !== null && value !== "");
  const width = Math.max(0, ...known.map(([name]) => displayWidth(visibleLine(name))));
  return known.map(([name, value, paint]) => {
    const title = visibleLine(name);
    const cell = visibleLine(String(value));
    return `${colors.dim(title)}${" ".repeat(width - displayWidth(title))}  ${paint?.(cell) ?? cell}`;
  });
}

/** "2026-11-22T10:00:00.000Z (3m ago)". */
export function instant(at: Date | null, now: Date): string | null {
  return at && `${at.toISOString()} (${relativeTime(at, now)})`;
}
