import type { Assign, Cancel, OutputAck, ResultAck } from "@fleetwire/proto";
import type { Clock, Logger } from "@fleetwire/service";
import type { CommandTypes, Prepared } from "../commands/prepare.ts";
import type { Link } from "../connection/session.ts";
import type { Ledger } from "../ledger/ledger.ts";
import type { Assignment, HeldRun, RefusalReason } from "../ledger/records.ts";
import { createAnswers, named } from "./answers.ts";
import { sendResult } from "./reports.ts";
import { beginRun, type Run, type RunEnd } from "./run.ts";
import { createUnacknowledged, keyOf } from "./unacknowledged.ts";
import { createUnrecordedRuns } from "./unrecorded-runs.ts";
import { interruptedResult } from "./results.ts";
import { writeUntilDone } from "./write-until-done.ts";

export interface Runs {
  /** Takes up what an earlier process left in the ledger: runs without an end are ended as interrupted. */
  restore(held: readonly HeldRun[]): Promise<void>;
  /** What is begun from now on is of these types, and while fewer than this run. What runs goes on. */
  change(next: { types: CommandTypes; concurrency: number }): void;
  /** `arrivedMs` is when the frame came, on the monotonic clock. */
  assign(frame: Assign, link: Link, arrivedMs: number): void;
  cancel(frame: Cancel, link: Link): void;
  acknowledgeResult(frame: ResultAck): void;
  acknowledgeOutput(frame: OutputAck): void;
  /** A stream began; `resume` is what the server has of the output of what the Hello held. */
  attach(link: Link, resume: readonly OutputAck[]): void;
  detach(): void;
  /** From now on nothing new is begun. */
  drain(): void;
  /** Ends every run as interrupted; they report as usual. */
  interrupt(): void;
  /** Ends every process at once; nothing is reported any more. */
  kill(): void;
  /** Another ledger begins: ends every run, and forgets all. */
  abandon(): void;
  /** Resolves when nothing runs. */
  idle(): Promise<void>;
  /** Resolves when the server has acknowledged every result. */
  settled(): Promise<void>;
  /** Runs that take a slot. */
  readonly running: number;
}

export interface RunsOptions {
  types: CommandTypes;
  concurrency: number;
  ledger: Ledger;
  clock: Clock;
  log: Logger;
  /** `running` has changed. */
  onRunning: () => void;
  /** STOP or RESTART was carried out; its result is on its way. */
  onControl: (action: "stop" | "restart", reason: string) => void;
  /** The ledger is lost. */
  onFatal: (error: unknown) => void;
}

interface Entry {
  run: Run;
  prepared: Prepared;
  takesSlot: boolean;
  /** Resolves when the ledger has the last number under which it was given again. */
  recalled: Promise<void>;
}

/** Everything that the agent runs, ran and refused, until the server has it. */
export function createRuns(options: RunsOptions): Runs {
  const { ledger, clock, log, onRunning, onControl, onFatal } = options;
  let { types, concurrency } = options;
  const entries = new Map<string, Entry>();
  // Of an earlier ledger: they are being ended, and reported no more.
  const abandoned = new Set<Run>();
  const unacknowledged = createUnacknowledged({ ledger, clock, log, onFatal });
  const unrecorded = createUnrecordedRuns({ clock });
  const answers = createAnswers({ ledger, log, unacknowledged, onFatal });
  let link: Link | null = null;
  let draining = false;
  let running = 0;
  let whenIdle: (() => void)[] = [];

  function assign(frame: Assign, on: Link, arrivedMs: number): void {
    const entry = entries.get(keyOf(frame));
    if (entry !== undefined) {
      if (frame.assignNo === entry.run.assignment.assignNo) entry.run.repeat(on);
      else giveAgain(entry, named(frame), on);
      return;
    }
    const prepared = types.prepare(frame);
    if (prepared.kind === "ready" && !prepared.handler.recorded) {
      unrecorded.run(frame, prepared, on);
      return;
    }
    const takesSlot = prepared.kind === "ready" && prepared.handler.lane === "work";
    const refusal = refusalOf(frame, takesSlot, arrivedMs);
    if (refusal === null) begin(frame, on, arrivedMs, prepared, takesSlot);
    else void answers.refuse({ ...frame, acceptedAt: clock.now().getTime() }, refusal);
  }

  function refusalOf(frame: Assign, takesSlot: boolean, arrivedMs: number): RefusalReason | null {
    if (draining) return "draining";
    if (clock.monotonicMs() - arrivedMs >= frame.startWindowMs) return "window_over";
    return takesSlot && running >= concurrency ? "busy" : null;
  }

  function begin(frame: Assign, on: Link, arrivedMs: number, prepared: Prepared, takesSlot: boolean): void {
    const run = beginRun({ frame, arrivedMs, prepared, ledger, clock, log, link: on });
    const entry: Entry = { run, prepared, takesSlot, recalled: Promise.resolve() };
    entries.set(keyOf(frame), entry);
    if (takesSlot) count(1);
    void follow(entry);
  }

  function count(more: 1 | -1): void {
    running += more;
    onRunning();
  }

  async function follow(entry: Entry): Promise<void> {
    try {
      const end = await entry.run.ended;
      // It may be given again once more meanwhile.
      for (let last: unknown = null; last !== entry.recalled; await last) last = entry.recalled;
      settle(entry, end);
    } catch (error) {
      onFatal(error);
    }
  }

  function settle(entry: Entry, end: RunEnd): void {
    const { run, prepared } = entry;
    const { assignment } = run;
    if (entry.takesSlot) count(-1);
    if (entries.get(keyOf(assignment)) === entry) entries.delete(keyOf(assignment));
    if (!abandoned.delete(run)) {
      if (end.kind === "refused") answers.sayRefused(assignment, end.reason);
      else if (end.kind === "known") answers.known(assignment, end.outcome);
      else {
        const report = { ...end.report, assignNo: assignment.assignNo };
        if (report.recorded) unacknowledged.add(assignment);
        if (link !== null) void sendResult(link, report);
        if (prepared.kind === "ready" && prepared.handler.afterwards) {
          const { reason } = prepared.request.parameters;
          onControl(prepared.handler.afterwards, typeof reason === "string" ? reason : "");
        }
      }
    }
    if (entries.size > 0 || abandoned.size > 0) return;
    for (const resolve of whenIdle) resolve();
    whenIdle = [];
  }

  /**
   * The server gives out again what runs (its store has forgotten that it had): the run goes on, and answers to the later
   * number, once the ledger has that. What the server had of its output may be gone with it.
   */
  function giveAgain(entry: Entry, again: Assignment, on: Link): void {
    const { run } = entry;
    const recall = async (before: Promise<void>): Promise<void> => {
      await before;
      const outcome = await writeUntilDone(log, () => ledger.recall(again));
      if (outcome === null) await answers.refuse({ ...again, type: "", acceptedAt: clock.now().getTime() }, "busy");
      else if (outcome.kind !== "held") answers.known(again, outcome);
      else {
        run.renumber(again.assignNo);
        if (on === link && outcome.state === "started") {
          run.attach(on, 0);
          run.repeat(on);
        }
      }
    };
    entry.recalled = recall(entry.recalled);
    entry.recalled.catch(onFatal);
  }

  function cancel(frame: Cancel, on: Link): void {
    const entry = entries.get(keyOf(frame));
    if (entry !== undefined) {
      if (frame.assignNo > entry.run.assignment.assignNo) giveAgain(entry, named(frame), on);
      entry.run.stop("cancelled");
    } else if (unacknowledged.has(frame)) {
      unacknowledged.send(on, frame, null);
    } else if (frame.assignNo > 0) {
      void answers.refuse({ ...frame, type: "", acceptedAt: clock.now().getTime() }, "cancelled");
    } else {
      log.warn({ ...named(frame) }, "cancel of a command that isn't here: ignored");
    }
  }

  function attach(next: Link, resume: readonly OutputAck[]): void {
    link = next;
    const offsets = new Map(resume.map((ack) => [keyOf(ack), ack.offset]));
    for (const [key, { run }] of entries) run.attach(next, offsets.get(key) ?? null);
    answers.attach(next);
    unacknowledged.sendAll(next, (run) => offsets.get(keyOf(run)) ?? null);
  }

  async function restore(held: readonly HeldRun[]): Promise<void> {
    const ended = held.filter(({ state }) => state !== "refused");
    await Promise.all(
      ended.filter(({ state }) => state === "started").map((run) => ledger.finish(run, interruptedResult(), [])),
    );
    for (const run of ended) unacknowledged.add(run);
  }

  return {
    restore,
    change(next) {
      ({ types, concurrency } = next);
    },
    assign,
    cancel,
    attach,
    acknowledgeResult(frame) {
      if (!unacknowledged.remove(frame)) return;
      ledger.acknowledge(frame).catch((err: unknown) => log.warn({ err }, "an acknowledgement can't be written"));
    },
    acknowledgeOutput: (frame) => entries.get(keyOf(frame))?.run.acknowledgeOutput(frame.offset),
    detach() {
      link = null;
      answers.detach();
      for (const { run } of entries.values()) run.detach();
    },
    drain() {
      draining = true;
    },
    interrupt() {
      for (const { run } of entries.values()) run.stop("interrupted");
    },
    kill() {
      for (const run of [...abandoned, ...Array.from(entries.values(), (entry) => entry.run)]) run.kill();
    },
    abandon() {
      for (const { run } of entries.values()) {
        abandoned.add(run);
        run.stop("interrupted");
      }
      entries.clear();
      unacknowledged.clear();
      answers.clear();
    },
    async idle() {
      if (entries.size + abandoned.size > 0) await new Promise<void>((resolve) => whenIdle.push(resolve));
    },
    settled: () => unacknowledged.settled(),
    get running() {
      return running;
    },
  };
}
