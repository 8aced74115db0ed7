const unitMs = { ms: 1, s: 1_000, m: 60_000, h: 3_600_000, d: 86_400_000 } as const;
type Unit = keyof typeof unitMs;
const units = ["d", "h", "m", "s", "ms"] as const satisfies readonly Unit[];

/** Milliseconds, or a text such as `500ms`, `30s`, `5m`, `24h`, `7d`. */
export type Duration = number | `${number}${Unit}`;

/** Milliseconds; null when it is no duration: a whole number with one unit, not negative. */
export function durationMs(duration: number | string): number | null {
  if (typeof duration === "number") return Number.isSafeInteger(duration) && duration >= 0 ? duration : null;
  const [, amount, name] = /^(\d{1,15})(ms|[smhd])$/.exec(duration) ?? [];
  const unit = units.find((known) => known === name);
  if (unit === undefined) return null;
  const ms = Number(amount) * unitMs[unit];
  return Number.isSafeInteger(ms) ? ms : null;
}

/** The shortest text for these milliseconds. */
export function durationText(ms: number): string {
  const unit = units.find((known) => ms >= unitMs[known] && ms % unitMs[known] === 0) ?? "ms";
  return `${ms / unitMs[unit]}${unit}`;
}

/** Timers longer than this (24.8 days) would fire at once. */
export const longestTimerMs = 2 ** 31 - 1;
