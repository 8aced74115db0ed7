import type { LeftProcess, OutputStream } from "../ledger/records.ts";

/** How what ran came to its end, whatever the agent had asked of it meanwhile. */
export interface ExecutionEnd {
  /** `failed`: it couldn't be run at all; `error` says why. */
  outcome: "exited" | "failed";
  /** 0–255; 128 + signal number where a signal ended it; -1 where nothing ran. */
  exitCode: number;
  error: string;
  errorMessage: string;
  /** What it had started and that runs on; at most 20. */
  leftRunning?: LeftProcess[];
}

export interface OutputSink {
  write(stream: OutputStream, data: Uint8Array): void;
}

/** One thing that runs: a process, or a function of this agent. */
export interface Execution {
  /** Leader of its process group; null where there is none. */
  readonly pid: number | null;
  /** Never rejects. No output comes after it. */
  readonly ended: Promise<ExecutionEnd>;
  /** Asks it to end, then makes it. */
  stop(): void;
  /** Ends it at once, without waiting: the agent's process is about to end. */
  kill(): void;
  /** Holds its output back; `resume` lets it flow again. */
  pause(): void;
  resume(): void;
}

/** Something that ended before it began. */
export function failedExecution(error: string, errorMessage: string): Execution {
  return endedExecution({ outcome: "failed", exitCode: -1, error, errorMessage });
}

/** Something that is over as soon as it began. */
export function endedExecution(end: ExecutionEnd): Execution {
  return boundExecution(Promise.resolve(end));
}

/** Something short that can't be stopped or held back. */
export function boundExecution(ended: Promise<ExecutionEnd>): Execution {
  return { pid: null, ended, stop: () => {}, kill: () => {}, pause: () => {}, resume: () => {} };
}
