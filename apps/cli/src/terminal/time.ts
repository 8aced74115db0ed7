const steps: [unit: string, ms: number][] = [
  ["d", 86_400_000],
  ["h", 3_600_000],
  ["m", 60_000],
  ["s", 1000],
];

/** "12s ago", "in 3h", "now": the largest unit alone, the past rounded down and the future to the nearest. */
export function relativeTime(at: Date, now: Date): string {
  const distance = now.getTime() - at.getTime();
  const step = steps.find(([, ms]) => Math.abs(distance) >= ms);
  if (!step) return "now";
  const amount = Math.abs(distance) / step[1];
  return distance > 0 ? `${Math.floor(amount)}${step[0]} ago` : `in ${Math.round(amount)}${step[0]}`;
}

/** "4 ms", "1.2 s", "3 min 5 s". */
export function spokenDuration(ms: number): string {
  if (ms < 1000) return `${Math.round(ms)} ms`;
  if (ms < 60_000) return `${(ms / 1000).toFixed(1)} s`;
  return `${Math.floor(ms / 60_000)} min ${Math.round((ms % 60_000) / 1000)} s`;
}

/** "0:07", "12:34", "1:02:03". */
export function clockTime(ms: number): string {
  const seconds = Math.max(0, Math.floor(ms / 1000));
  const hours = Math.floor(seconds / 3600);
  const minutes = Math.floor(seconds / 60) % 60;
  const tail = String(seconds % 60).padStart(2, "0");
  return hours > 0 ? `${hours}:${String(minutes).padStart(2, "0")}:${tail}` : `${minutes}:${tail}`;
}

const units: Record<string, number> = { ms: 1, s: 1000, m: 60_000, h: 3_600_000, d: 86_400_000 };

/** Milliseconds of "500ms", "30s", "5m", "24h", "7d"; a bare number is seconds. Null where it is none of these. */
export function parseDuration(text: string): number | null {
  const match = /^(\d+(?:\.\d+)?)(ms|s|m|h|d)?$/.exec(text);
  if (!match) return null;
  return Math.round(Number(match[1]) * (units[match[2] ?? "s"] ?? 1000));
}
