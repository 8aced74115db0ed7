import type { Assign } from "@fleetwire/proto";
import type { Clock, Logger } from "@fleetwire/service";
import type { Prepared } from "../commands/prepare.ts";
import type { Link } from "../connection/session.ts";
import type { Execution, ExecutionEnd } from "../execution/execution.ts";
import { identifyProcess } from "../execution/process-identity.ts";
import type { Ledger } from "../ledger/ledger.ts";
import type { Assignment, RecordOutcome, RefusalReason, RunResult } from "../ledger/records.ts";
import { createOutputPump } from "./output-pump.ts";
import { type ResultReport, startedReport } from "./reports.ts";
import { finishedResult, rejectedResult, type StopReason } from "./results.ts";
import { writeUntilDone } from "./write-until-done.ts";

/** What became of a run that was to begin. */
export type RunEnd =
  /** It has a result; recorded unless the ledger couldn't be written when it was to begin. */
  | { kind: "ended"; report: ResultReport }
  /** Nothing ran, and a synced refusal says so. */
  | { kind: "refused"; reason: RefusalReason }
  /** The ledger had it before. */
  | { kind: "known"; outcome: Exclude<RecordOutcome, { kind: "recorded" }> };

export interface Run {
  readonly assignment: Assignment;
  /** Rejects with LedgerFileError when the ledger is lost: then nothing can be said of the run. */
  readonly ended: Promise<RunEnd>;
  /** The server gave it another number. */
  renumber(assignNo: number): void;
  /** Sends what it is at on this stream. */
  attach(link: Link, resumeAt: number | null): void;
  detach(): void;
  acknowledgeOutput(offset: number): void;
  stop(reason: StopReason): void;
  kill(): void;
  /** Says Started again, where it was said. */
  repeat(link: Link): void;
}

export interface RunOptions {
  frame: Assign;
  arrivedMs: number;
  prepared: Prepared;
  ledger: Ledger;
  clock: Clock;
  log: Logger;
  link: Link | null;
}

// Node's longest timer.
const longestTimeoutMs = 2 ** 31 - 1;
// Where a frame gives none.
const defaultTimeoutMs = 300_000;

/**
 * One recorded run of one command:
 *
 *   from       to         when
 *   accepting  running    `started` is synced: Started is sent, then it is spawned
 *   accepting  refused    it was cancelled, or its start window passed, while the ledger wrote: nothing is spawned
 *   accepting  known      the ledger had this run, or may have forgotten it
 *   accepting  recording  it can't be run here (type, parameters, allow-list)
 *   accepting  ended      the ledger couldn't be written: failed, `ledger_unavailable`
 *   running    stopping   its time is over, Cancel, or the agent stops: TERM → grace → KILL
 *   running    recording  it ended
 *   stopping   recording  it ended
 *   recording  ended      `done` is synced; only now the result may be sent
 *
 * The ledger is asked before this returns, so that a Hello that is composed later has the run.
 */
export function beginRun(options: RunOptions): Run {
  const { frame, arrivedMs, prepared, ledger, clock } = options;
  const { commandId, attempt, type } = frame;
  const assignment = { commandId, attempt, assignNo: frame.assignNo };
  const log = options.log.child({ commandId, attempt, type });
  const pump = createOutputPump(assignment, (held) => (held ? execution?.pause() : execution?.resume()));
  let link = options.link;
  let execution: Execution | null = null;
  let stopReason: StopReason | null = null;
  let startedMs: number | null = null;

  const accepted = ledger.accept({ ...assignment, type, acceptedAt: clock.now().getTime() });
  if (link !== null) pump.attach(link, null);

  async function run(): Promise<RunEnd> {
    let outcome: RecordOutcome;
    try {
      outcome = await accepted;
    } catch (err) {
      log.error({ err }, "the ledger can't be written: the command isn't run");
      const rejection = { error: "ledger_unavailable", errorMessage: "the agent's ledger can't be written" };
      return { kind: "ended", report: report(rejectedResult(rejection), false) };
    }
    if (outcome.kind !== "recorded") return { kind: "known", outcome };
    const refusal = refusalNow();
    if (refusal !== null) {
      await writeUntilDone(log, () => ledger.withdraw(assignment, refusal));
      return { kind: "refused", reason: refusal };
    }
    const result = prepared.kind === "ready" ? await execute(prepared) : rejectedResult(prepared.rejection);
    pump.close();
    await writeUntilDone(log, () => ledger.finish(assignment, result, pump.unacknowledged()));
    log.info(
      { outcome: result.outcome, exitCode: result.exitCode, code: result.error, durationMs: result.durationMs },
      "run ended",
    );
    return { kind: "ended", report: report(result, true) };
  }

  function refusalNow(): RefusalReason | null {
    if (stopReason === "cancelled") return "cancelled";
    if (stopReason === "interrupted") return "draining";
    return clock.monotonicMs() - arrivedMs >= frame.startWindowMs ? "window_over" : null;
  }

  async function execute({ handler, request }: Prepared & { kind: "ready" }): Promise<RunResult> {
    startedMs = clock.monotonicMs();
    if (link !== null) void link.send(startedReport(assignment));
    const running = handler.run(request, { write: (stream, data) => pump.write(stream, data) });
    execution = running;
    if (running.pid !== null) record(running.pid);
    const timeoutMs = Math.min(frame.timeoutMs || defaultTimeoutMs, longestTimeoutMs);
    const timer = setTimeout(() => stop("timeout"), timeoutMs);
    const end: ExecutionEnd = await running.ended;
    clearTimeout(timer);
    execution = null;
    const durationMs = Math.round(clock.monotonicMs() - startedMs);
    return finishedResult(end, { stopReason, timeoutMs, durationMs, outputBytes: pump.bytes });
  }

  function record(pid: number): void {
    const identity = identifyProcess(pid);
    if (identity === null) return;
    ledger.spawned(assignment, identity).catch((err: unknown) => log.warn({ err }, "the pid can't be written"));
  }

  function report(result: RunResult, recorded: boolean): ResultReport {
    const startedAgoMs = startedMs === null ? 0 : Math.round(clock.monotonicMs() - startedMs);
    return { ...assignment, result, recorded, startedAgoMs, ...pump.unsent() };
  }

  function stop(reason: StopReason): void {
    stopReason ??= reason;
    execution?.stop();
  }

  return {
    assignment,
    ended: run(),
    renumber(assignNo) {
      assignment.assignNo = Math.max(assignment.assignNo, assignNo);
    },
    attach(next, resumeAt) {
      link = next;
      pump.attach(next, resumeAt);
    },
    detach() {
      link = null;
      pump.detach();
    },
    acknowledgeOutput: (offset) => pump.acknowledge(offset),
    stop,
    kill: () => execution?.kill(),
    repeat(on) {
      if (startedMs !== null) void on.send(startedReport(assignment));
    },
  };
}
