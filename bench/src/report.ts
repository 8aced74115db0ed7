import { execFileSync } from "node:child_process";
import { existsSync, mkdirSync, readFileSync, writeFileSync } from "node:fs";
import { availableParallelism, cpus, totalmem } from "node:os";
import { join } from "node:path";

/** One line of a suite's table. A figure is the median of its rounds. */
export interface Figure {
  figure: string;
  ours: number;
  /** The same thing done by a peer, or the bare ceiling, in the same run. */
  peer?: number;
  /** ours / peer; or, where a suite says so, the median of the rounds' own ratios. */
  ratio?: number;
  unit: string;
  /** As the goal was set: "≤ 8", "≥ 1000", of `ours`; "≥ 0.85 ×", of the ratio; null where the figure is only told. */
  goal: string | null;
  /** Null where there's no goal. */
  met: boolean | null;
  conditions: Record<string, string | number>;
}

/** Median of a non-empty list. */
export function median(values: readonly number[]): number {
  return quantile(values, 0.5);
}

/** The q-quantile (0–1) by the nearest rank; NaN for an empty list. */
export function quantile(values: readonly number[], q: number): number {
  const sorted = values.toSorted((a, b) => a - b);
  return sorted[Math.min(sorted.length - 1, Math.max(0, Math.ceil(q * sorted.length) - 1))] ?? Number.NaN;
}

/** Whether a goal is kept that is written as "≤ 8" or "≥ 1000", or as "≥ 0.85 ×" where it is about the ratio. */
function meets(goal: string, ours: number, ratio: number | undefined): boolean {
  const [, sign, bound, times] = /^([≤≥]) (\d+(?:\.\d+)?)( ×)?$/.exec(goal) ?? [];
  const value = times === undefined ? ours : ratio;
  if (bound === undefined) throw new Error(`a goal reads "≤ 8", "≥ 1000" or "≥ 0.85 ×", not "${goal}"`);
  if (value === undefined) throw new Error(`the goal "${goal}" takes a peer`);
  return sign === "≤" ? value <= Number(bound) : value >= Number(bound);
}

/** A figure with its goal judged; then numbers are rounded to three significant digits. */
export function figure(row: Omit<Figure, "met">): Figure {
  const { ours, peer, goal } = row;
  const ratio = row.ratio ?? (peer === undefined ? undefined : ours / peer);
  return {
    ...row,
    ours: round(ours),
    ...(peer === undefined ? {} : { peer: round(peer) }),
    ...(ratio === undefined ? {} : { ratio: round(ratio) }),
    met: goal === null ? null : meets(goal, ours, ratio),
  };
}

function round(value: number): number {
  return Number(value.toPrecision(3));
}

/** What the machine and the code were, for every row's conditions. */
export function machine(root: string): Record<string, string | number> {
  const git = (...args: string[]): string => execFileSync("git", args, { cwd: root, encoding: "utf8" }).trim();
  let commit: string;
  try {
    commit =
      git("rev-parse", "--short", "HEAD") +
      (git("status", "--porcelain", "--", "apps", "packages", "proto") === "" ? "" : "+changes");
  } catch {
    commit = "not a checkout";
  }
  return {
    node: process.version,
    cores: availableParallelism(),
    cpu: cpus()[0]?.model ?? "unknown",
    memoryGiB: Math.round(totalmem() / 2 ** 30),
    commit,
  };
}

/**
 * Prints the table and writes `results/<suite>.json`; where only some stores or providers were measured, what stands there of the
 * others is kept (each row says of which commit it is; its name begins with the store's). Returns how many goals were missed.
 */
export function publish(root: string, suite: string, rows: readonly Figure[], only: readonly string[] | null): number {
  const cells = rows.map((row) => [
    row.figure,
    String(row.ours),
    row.peer === undefined ? "" : String(row.peer),
    row.ratio === undefined ? "" : `${row.ratio}×`,
    row.unit,
    row.goal ?? "told",
    row.met === null ? "" : row.met ? "yes" : "NO",
  ]);
  const head = ["figure", "ours", "peer", "ratio", "unit", "goal", "met"];
  const widths = head.map((title, column) => Math.max(title.length, ...cells.map((row) => (row[column] ?? "").length)));
  const line = (row: readonly string[]): string =>
    `| ${row.map((cell, i) => cell.padEnd(widths[i] ?? 0)).join(" | ")} |`;
  const rule = `|${widths.map((width) => "-".repeat(width + 2)).join("|")}|`;
  process.stdout.write([line(head), rule, ...cells.map(line)].join("\n") + "\n");

  const folder = join(root, "bench", "results");
  mkdirSync(folder, { recursive: true });
  const file = join(folder, `${suite}.json`);
  const kept =
    only === null ? [] : readRows(file).filter(({ figure: name }) => !only.includes(name.split(/[: ]/, 1)[0] ?? ""));
  writeFileSync(file, `${JSON.stringify([...rows, ...kept], null, 2)}\n`);
  return rows.filter((row) => row.met === false).length;
}

function readRows(file: string): Figure[] {
  return existsSync(file) ? (JSON.parse(readFileSync(file, "utf8")) as Figure[]) : [];
}
