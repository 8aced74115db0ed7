const unitMs = { ms: 1, s: 1_000, m: 60_000, h: 3_600_000, d: 86_400_000 } as const;
type Unit = keyof typeof unitMs;
const units = ["d", "h", "m", "s", "ms"] as const satisfies readonly Unit[];

/** Such as `500ms`, `30s`, `5m`, `24h`, `7d`. */
export type DurationText = `${number}${Unit}`;

/** Milliseconds; null when the text is no duration. Whole numbers with one unit; 0 needs none. */
export function parseDuration(text: string): number | null {
  if (text === "0") return 0;
  const [, amount, name] = /^(\d{1,15})([a-z]{1,2})$/.exec(text) ?? [];
  const unit = units.find((known) => known === name);
  if (unit === undefined) return null;
  const ms = Number(amount) * unitMs[unit];
  return Number.isSafeInteger(ms) ? ms : null;
}

/** The shortest text that `parseDuration` reads as these milliseconds (a whole number, not negative). */
export function formatDuration(ms: number): string {
  const unit = units.find((known) => ms >= unitMs[known] && ms % unitMs[known] === 0) ?? "ms";
  return `${ms / unitMs[unit]}${unit}`;
}
