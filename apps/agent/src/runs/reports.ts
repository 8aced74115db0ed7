/** What the agent says about its runs, as frames. */
import type {
  AgentMessageInput,
  HeldInput,
  Outcome,
  OutputChunkInput,
  RefusalReason as RefusalReasonName,
} from "@fleetwire/proto";
import type { Link } from "../connection/session.ts";
import type {
  Assignment,
  HeldRun,
  OutputPiece,
  RefusalReason,
  RunKey,
  RunOutcome,
  RunResult,
} from "../ledger/records.ts";

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

const heldStates = {
  started: "HELD_STATE_RUNNING",
  done: "HELD_STATE_DONE",
  refused: "HELD_STATE_REFUSED",
} as const;

/** For the Hello. */
export function heldReport({ commandId, assignNo, attempt, state }: HeldRun): HeldInput {
  return { commandId, assignNo, attempt, state: heldStates[state] };
}

export function startedReport({ commandId, attempt, assignNo }: Assignment): AgentMessageInput {
  return { started: { commandId, attempt, assignNo, recorded: true } };
}

export function refusedReport(run: Assignment, reason: RefusalReason): AgentMessageInput {
  const { commandId, attempt, assignNo } = run;
  return { refused: { commandId, attempt, assignNo, reason: refusals[reason], recorded: true } };
}

/** `sentEnd` is the end of what was sent before; what lies between that and the piece had to be dropped. */
export function outputReport(run: RunKey, piece: OutputPiece, sentEnd: number): AgentMessageInput {
  return { output: toChunk(run, piece, sentEnd) };
}

export interface ResultReport extends Assignment {
  result: RunResult;
  /** False where no synced row stands behind it. */
  recorded: boolean;
  startedAgoMs: number;
  /** What wasn't sent as chunks yet. */
  output: readonly OutputPiece[];
  /** The end of what was. */
  sentEnd: number;
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
  const chunks = toChunks(report, link.maxChunkBytes);
  const tail = chunks.splice(chunks.length - countTail(chunks));
  for (const output of chunks) {
    if (!(await link.send({ output }))) return false;
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
      tail,
      recorded: report.recorded,
      startedAgoMs: report.startedAgoMs,
      leftRunning: result.leftRunning ?? [],
    },
  });
}

function toChunks(report: ResultReport, maxBytes: number): OutputChunk[] {
  let { sentEnd } = report;
  return report.output
    .flatMap((piece) => split(piece, maxBytes))
    .map((piece) => {
      const chunk = toChunk(report, piece, sentEnd);
      sentEnd = piece.offset + piece.data.length;
      return chunk;
    });
}

type OutputChunk = OutputChunkInput & { data: Uint8Array };

function toChunk({ commandId, attempt }: RunKey, piece: OutputPiece, sentEnd: number): OutputChunk {
  const { offset, stream, data } = piece;
  const droppedBefore = Math.max(0, offset - sentEnd);
  return {
    commandId,
    attempt,
    offset,
    stream: stream === "stderr" ? "STREAM_STDERR" : "STREAM_STDOUT",
    data,
    droppedBefore,
  };
}

function split(piece: OutputPiece, maxBytes: number): OutputPiece[] {
  const parts: OutputPiece[] = [];
  for (let at = 0; at < piece.data.length; at += maxBytes) {
    parts.push({ offset: piece.offset + at, stream: piece.stream, data: piece.data.subarray(at, at + maxBytes) });
  }
  return parts;
}

/** How many of the last chunks fit into a result. */
function countTail(chunks: readonly OutputChunk[]): number {
  let count = 0;
  let bytes = 0;
  for (const { data } of chunks.toReversed()) {
    bytes += data.length;
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
