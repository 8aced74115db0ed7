import type { SQLOutputValue } from "node:sqlite";
import type { HeldRun, OutputPiece, RefusalReason, RunResult } from "./records.ts";

/** A row of `runs`. */
export interface RunRow {
  run: number;
  command_id: string;
  attempt: number;
  assign_no: number;
  type: string;
  state: "started" | "done" | "refused";
  refusal: string | null;
  accepted_at: number;
  pid: number | null;
  process_started: string | null;
  result: string | null;
}

export function toHeldRun(row: RunRow): HeldRun {
  return {
    commandId: row.command_id,
    attempt: row.attempt,
    assignNo: row.assign_no,
    type: row.type,
    state: row.state,
    process: row.pid === null || row.process_started === null ? null : { pid: row.pid, startedAt: row.process_started },
  };
}

/** Null while it hasn't ended. */
export function toRunResult(row: RunRow): RunResult | null {
  return row.state === "done" && row.result !== null ? (JSON.parse(row.result) as RunResult) : null;
}

export function toOutputPiece(row: Record<string, SQLOutputValue>): OutputPiece {
  return {
    offset: Number(row["byte"]),
    stream: row["stream"] === "stderr" ? "stderr" : "stdout",
    data: row["data"] instanceof Uint8Array ? row["data"] : new Uint8Array(),
  };
}

const refusalReasons: ReadonlySet<string> = new Set<RefusalReason>(["window_over", "draining", "busy", "cancelled"]);

export function isRefusalReason(text: string | null): text is RefusalReason {
  return text !== null && refusalReasons.has(text);
}
