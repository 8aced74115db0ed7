/** What the agent says about its runs, as frames. */
import type {
  AgentMessageInput,
  Outcome,
  OutputChunkInput,
  RefusalReason as RefusalReasonName,
} from "@fleetwire/proto";
import type { Link } from "../connection/session.ts";
import type { Assignment, OutputPiece, RefusalReason, RunKey, RunOutcome, RunResult } from "../ledger/records.ts";

const outcomes = {
  exited: "OUTCOME_EXITED",
  failed: "OUTCOME_FAILED",
  timeout: "OUTCOME_TIMEOUT",
  cancelled: "OUTCOME_CANCELLED",
} as const satisfies Record<RunOutcome, Outcome>;

const refusals = {
  window_over: "REFUSAL_REASON_WINDOW_OVER",
  draining: "REFUSAL_REASON_DRAINING",
  busy: "REFUSAL_REASON_BUSY",
  cancelled: "REFUSAL_REASON_CANCELLED",
} as const satisfies Record<RefusalReason, RefusalReasonName>;

export function startedReport({ commandId, attempt, assignNo }: Assignment): AgentMessageInput {
  return { started: { commandId, attempt, assignNo, recorded: true } };
}

export function refusedReport(run: Assignment, reason: RefusalReason): AgentMessageInput {
  const { commandId, attempt, assignNo } = run;
  return { refused: { commandId, attempt, assignNo, reason: refusals[reason], recorded: true } };
}

export function outputReport(run: RunKey, piece: OutputPiece): AgentMessageInput {
  return { output: toChunk(run, piece) };
}

export interface ResultReport extends Assignment {
  result: RunResult;
  /** False where no synced row stands behind it. */
  recorded: boolean;
  startedAgoMs: number;
  /** What wasn't sent as chunks yet. */
  output: readonly OutputPiece[];
}

// A server takes 64 pieces and 512 KiB with a result; this leaves room.
const maxTailPieces = 48;
const maxTailBytes = 384 * 1024;

/**
 * Sends a result with the end of its output; output that a result can't hold goes before it as chunks. Resolves to
 * whether all of it is on its way.
 */
export async function sendResult(link: Link, report: ResultReport): Promise<boolean> {
  const { result, commandId, attempt, assignNo } = report;
  const pieces = report.output.flatMap((piece) => split(piece, link.maxChunkBytes));
  const tail = pieces.splice(pieces.length - countTail(pieces));
  for (const piece of pieces) {
    if (!(await link.send(outputReport(report, piece)))) return false;
  }
  return link.send({
    result: {
      commandId,
      attempt,
      assignNo,
      outcome: outcomes[result.outcome],
      exitCode: result.exitCode,
      error: result.error,
      errorMessage: result.errorMessage,
      durationMs: result.durationMs,
      outputBytes: result.outputBytes,
      tail: tail.map((piece) => toChunk(report, piece)),
      recorded: report.recorded,
      startedAgoMs: report.startedAgoMs,
    },
  });
}

function toChunk({ commandId, attempt }: RunKey, { offset, stream, data }: OutputPiece): OutputChunkInput {
  return { commandId, attempt, offset, stream: stream === "stderr" ? "STREAM_STDERR" : "STREAM_STDOUT", data };
}

function split(piece: OutputPiece, maxBytes: number): OutputPiece[] {
  const parts: OutputPiece[] = [];
  for (let at = 0; at < piece.data.length; at += maxBytes) {
    parts.push({ offset: piece.offset + at, stream: piece.stream, data: piece.data.subarray(at, at + maxBytes) });
  }
  return parts;
}

/** How many of the last pieces fit into a result. */
function countTail(pieces: readonly OutputPiece[]): number {
  let count = 0;
  let bytes = 0;
  for (const piece of pieces.toReversed()) {
    bytes += piece.data.length;
    if (bytes > maxTailBytes || count === maxTailPieces) break;
    count += 1;
  }
  return count;
}

/** What is left of the output from this byte on. */
export function outputFrom(pieces: readonly OutputPiece[], offset: number): OutputPiece[] {
  return pieces
    .filter((piece) => piece.offset + piece.data.length > offset)
    .map((piece) =>
      piece.offset >= offset ? piece : { ...piece, offset, data: piece.data.subarray(offset - piece.offset) },
    );
}
