import type { AgentMessage, OutputChunk, Refused, Result, Started } from "@fleetwire/proto";
import type { AgentOutcome, LeftProcess } from "../commands/command.ts";
import type { AgentProfile, OutputPiece, OutputStream, RefusedReport, ResultReport } from "../store/command-store.ts";
import * as check from "./field-checks.ts";
import { readProfile } from "./profile.ts";
import { ProtocolError } from "./protocol-error.ts";

/** One run of one command, as a frame names it. */
export interface RunRef {
  commandId: string;
  attempt: number;
  assignNo: number;
}

export interface StartedFrame extends RunRef {
  kind: "started";
  recorded: boolean;
}

export interface RefusedFrame extends RunRef {
  kind: "refused";
  recorded: boolean;
  reason: RefusedReport["reason"];
}

export interface OutputFrame extends OutputPiece {
  kind: "output";
  commandId: string;
  attempt: number;
  /** Bytes right before `offset` that the agent had to drop. */
  droppedBefore: number;
}

export interface ResultFrame extends Omit<ResultReport, "agentId" | "ledgerId"> {
  kind: "result";
  /** Output up to this byte was sent, or dropped, before this report. */
  outputBefore: number;
}

export interface HeartbeatFrame {
  kind: "heartbeat";
  sequence: number;
  running: number;
  load1: number;
  freeMemoryBytes: number;
}

/** A frame of an open session, checked. `unknown`: of a later version of the contract, to be ignored. */
export type AgentFrame =
  | StartedFrame
  | RefusedFrame
  | OutputFrame
  | ResultFrame
  | HeartbeatFrame
  | { kind: "profile"; profile: AgentProfile }
  /** Checked when it is stored. */
  | { kind: "facts"; json: string }
  | { kind: "unknown" };

export interface FrameLimits {
  maxChunkBytes: number;
}

// With a result: what its chunks may hold together, and how many they may be.
const maxTailChunks = 64;
const maxTailBytes = 512 * 1024;
const maxLeftRunning = 20;
const maxProcessWords = 200;

/**
 * Reads a frame of an open session. `version` is the agent's, from its Hello.
 *
 * @throws ProtocolError when it breaks the contract.
 */
export function readFrame(message: AgentMessage, version: string, limits: FrameLimits): AgentFrame {
  if (message.heartbeat) return readHeartbeat(message.heartbeat);
  if (message.output) return readChunk(message.output, limits);
  if (message.started) return { kind: "started", ...readRun(message.started), recorded: message.started.recorded };
  if (message.result) return readResult(message.result, limits);
  if (message.refused) return readRefused(message.refused);
  if (message.profile) return { kind: "profile", profile: readProfile(message.profile, version) };
  if (message.facts) return { kind: "facts", json: message.facts.json };
  if (message.hello) throw new ProtocolError("a second hello");
  return { kind: "unknown" };
}

function readRun(frame: Started | Refused | Result): RunRef {
  return {
    commandId: check.commandId(frame.commandId),
    attempt: check.attempt(frame.attempt),
    assignNo: check.counter(frame.assignNo, "assign_no", 1),
  };
}

const refusalReasons = {
  REFUSAL_REASON_WINDOW_OVER: "window_over",
  REFUSAL_REASON_DRAINING: "draining",
  REFUSAL_REASON_BUSY: "busy",
  REFUSAL_REASON_CANCELLED: "cancelled",
} as const satisfies Record<string, RefusedReport["reason"]>;

function readRefused(frame: Refused): RefusedFrame {
  const reason = check.member<RefusedReport["reason"]>(refusalReasons, frame.reason, "reason");
  return { kind: "refused", ...readRun(frame), recorded: frame.recorded, reason };
}

const outputStreams = { STREAM_STDOUT: "stdout", STREAM_STDERR: "stderr" } as const satisfies Record<
  string,
  OutputStream
>;

function readChunk(chunk: OutputChunk, limits: FrameLimits): OutputFrame {
  return {
    kind: "output",
    droppedBefore: readDropped(chunk),
    commandId: check.commandId(chunk.commandId),
    attempt: check.attempt(chunk.attempt),
    ...readPiece(chunk, limits),
  };
}

function readDropped({ droppedBefore, offset }: OutputChunk): number {
  if (!(droppedBefore <= offset)) throw new ProtocolError("dropped_before is larger than offset");
  return check.bytes(droppedBefore, "dropped_before");
}

function readPiece(chunk: OutputChunk, limits: FrameLimits): OutputPiece {
  const size = chunk.data.length;
  if (size === 0) throw new ProtocolError("an output chunk without data");
  if (size > limits.maxChunkBytes) throw new ProtocolError(`an output chunk of ${size} bytes`);
  const offset = check.bytes(chunk.offset, "offset");
  return { offset, stream: check.member<OutputStream>(outputStreams, chunk.stream, "stream"), data: chunk.data };
}

const outcomes = {
  OUTCOME_EXITED: "exited",
  OUTCOME_FAILED: "failed",
  OUTCOME_TIMEOUT: "timeout",
  OUTCOME_CANCELLED: "cancelled",
} as const satisfies Record<string, AgentOutcome>;

function readResult(frame: Result, limits: FrameLimits): ResultFrame {
  const [first] = frame.tail;
  return {
    kind: "result",
    ...readRun(frame),
    recorded: frame.recorded,
    outcome: check.member<AgentOutcome>(outcomes, frame.outcome, "outcome"),
    exitCode: frame.exitCode,
    error: errorCode(frame.error),
    errorMessage: frame.errorMessage === "" ? null : check.words(frame.errorMessage, 1_000),
    durationMs: check.duration(frame.durationMs, "duration_ms"),
    outputBytes: check.bytes(frame.outputBytes, "output_bytes"),
    tail: readTail(frame.tail, limits),
    outputBefore: first ? first.offset - readDropped(first) : check.bytes(frame.outputBytes, "output_bytes"),
    startedAgoMs: check.duration(frame.startedAgoMs, "started_ago_ms"),
    leftRunning: readLeftRunning(frame.leftRunning),
  };
}

/** Words for people: what is too much is cut. */
function readLeftRunning(processes: Result["leftRunning"]): LeftProcess[] {
  return processes
    .slice(0, maxLeftRunning)
    .map(({ pid, command }) => ({ pid, command: check.words(command, maxProcessWords) }));
}

function errorCode(code: string): string | null {
  if (code === "") return null;
  return /^[a-z][a-z0-9_]{0,63}$/.test(code) ? code : "unnamed_error";
}

function readTail(chunks: readonly OutputChunk[], limits: FrameLimits): OutputPiece[] {
  if (chunks.length > maxTailChunks) throw new ProtocolError(`a result with ${chunks.length} chunks`);
  const pieces = chunks.map((chunk) => readPiece(chunk, limits));
  let end = 0;
  let size = 0;
  for (const piece of pieces) {
    if (piece.offset < end) throw new ProtocolError("a result whose chunks overlap or aren't in order");
    end = piece.offset + piece.data.length;
    size += piece.data.length;
  }
  if (size > maxTailBytes) throw new ProtocolError(`a result with ${size} bytes of output`);
  return pieces;
}

function readHeartbeat(frame: NonNullable<AgentMessage["heartbeat"]>): HeartbeatFrame {
  return {
    kind: "heartbeat",
    sequence: frame.sequence,
    running: Math.min(frame.running, 1_000_000),
    load1: Number.isFinite(frame.load1) && frame.load1 >= 0 ? frame.load1 : 0,
    freeMemoryBytes: Math.min(frame.freeMemoryBytes, Number.MAX_SAFE_INTEGER),
  };
}
