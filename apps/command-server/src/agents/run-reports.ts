import type { Logger } from "@fleetwire/service";
import type { ServerMessageInput } from "@fleetwire/proto";
import type { CommandStore } from "../store/command-store.ts";
import { storeFacts } from "./facts.ts";
import type { FixedDelay } from "./fixed-delay.ts";
import type { OutputFrame, RefusedFrame, ResultFrame, RunRef, StartedFrame } from "./frames.ts";
import { LazyMap } from "./lazy-map.ts";
import { OutputLine } from "./output-line.ts";
import { OutputOrder } from "./output-order.ts";
import { recordOutcome } from "./record-outcome.ts";
import type { Run, RunSlots } from "./run-slots.ts";
import type { SessionMetrics } from "./session-metrics.ts";
import { StopSignal } from "./stop-signal.ts";
import { untilStored } from "./store-retry.ts";
import { within } from "./within.ts";

/** A start report that waits a moment for a result that makes it needless. */
export interface HeldStart {
  frame: StartedFrame;
  store(): void;
}

export interface RunReportsOptions {
  agentId: string;
  ledgerId: string;
  companyId: string;
  epoch: number;
  slots: RunSlots;
  store: CommandStore;
  log: Logger;
  metrics: SessionMetrics;
  heldStarts: FixedDelay<HeldStart>;
  send(frame: ServerMessageInput): void;
  /** A run doesn't wait for its first answer any more. */
  answered(run: Run): void;
  /** A slot is free again; `refused`: the agent wouldn't take the work that was in it. */
  freed(run: Run, refused: boolean): void;
  /** Something was settled: `inProcess` and `bytesInProcess` are smaller. */
  settled(): void;
  /** The store refused a report for good. It stays unacknowledged, so the session has to begin anew. */
  failed(): void;
}

const maxRememberedCancels = 1_000;
// How long a result waits for output that should have come before it.
const lateOutputMs = 1_000;

/**
 * What one agent reports about its runs, on its way to the store. Order is kept where it matters: the output of a
 * command is stored before its result; reports about different commands go side by side and are batched by the store.
 * Nothing is acknowledged before the store has it. While the store is out of reach reports wait here (the session
 * bounds how many) and are tried again, until the session is over; the agent keeps what wasn't acknowledged.
 */
export class RunReports {
  readonly #o: RunReportsOptions;
  readonly #signal = new StopSignal();
  readonly #heldStarts = new LazyMap<string, HeldStart>();
  readonly #lines = new LazyMap<string, OutputLine>();
  readonly #orders = new LazyMap<string, OutputOrder>();
  #cancelled: Set<string> | null = null;
  #whenIdle: (() => void)[] = [];
  #inProcess = 0;
  #bytes = 0;

  constructor(options: RunReportsOptions) {
    this.#o = options;
  }

  get inProcess(): number {
    return this.#inProcess;
  }

  get bytesInProcess(): number {
    return this.#bytes;
  }

  /** Resolves when nothing is on its way. */
  async idle(): Promise<void> {
    for (const held of this.#heldStarts.values()) {
      if (this.#o.heldStarts.delete(held)) held.store();
    }
    if (this.#inProcess > 0) await new Promise<void>((resolve) => this.#whenIdle.push(resolve));
  }

  /** Gives up what the store doesn't take. */
  abort(): void {
    this.#signal.abort();
  }

  started(frame: StartedFrame): void {
    const run = this.#o.slots.match(frame);
    if (run) this.#o.answered(run);
    const held = { frame, store: () => this.#storeHeld(frame) };
    this.#heldStarts.set(frame.commandId, held);
    this.#o.heldStarts.add(held);
  }

  refused(frame: RefusedFrame): void {
    const run = this.#o.slots.match(frame);
    if (run) this.#free(run, frame.reason === "busy" || frame.reason === "draining" || frame.reason === "window_over");
    this.#track(0, async () => {
      const { recorded, reason } = frame;
      const outcome = await this.#untilStored("refused", () =>
        this.#o.store.refused({ ...this.#key(frame), recorded, reason }),
      );
      // What an agent says of runs that aren't its own mustn't fill the log.
      const level = outcome === "stale" ? "debug" : "info";
      this.#o.log[level]({ ...this.#names(frame), reason, outcome }, "the agent refused a command");
      if (outcome === "stale") this.#o.metrics.staleReports.inc({ kind: "refused" });
      if (outcome === "cancelled") this.#o.metrics.finished.inc({ status: "cancelled" });
    });
  }

  /** A run whose output is stored up to `outputEnd` is the agent's. */
  expect(run: { commandId: string; attempt: number; outputEnd: number }): void {
    this.#orders.set(run.commandId, new OutputOrder(run.attempt, run.outputEnd));
  }

  /** Whether this is about a run that the agent was given, and whose result isn't stored yet. */
  knows(run: { commandId: string; attempt: number }): boolean {
    return this.#order(run) !== undefined || this.#o.slots.get(run.commandId)?.attempt === run.attempt;
  }

  output(frame: OutputFrame): void {
    const ready = this.#order(frame)?.accept(frame) ?? [frame];
    for (const next of ready) this.#line(next.commandId).push(next);
  }

  result(frame: ResultFrame): void {
    const held = this.#heldStarts.get(frame.commandId);
    if (held && held.frame.attempt === frame.attempt) {
      this.#heldStarts.delete(frame.commandId);
      this.#o.heldStarts.delete(held);
    }
    const run = this.#o.slots.match(frame);
    if (run) this.#free(run, false);
    const order = this.#order(frame);
    const end = (): void => this.#line(frame.commandId).end(() => this.#storeResult(frame, run));
    if (!order || order.reached(frame.outputBefore)) {
      end();
      return;
    }
    // Output is missing: it may still be on its way, or the agent may have lost it in a crash.
    this.#track(0, async () => {
      await within(lateOutputMs, order.whenReached(frame.outputBefore));
      for (const next of order.giveUp()) this.#line(next.commandId).push(next);
      end();
    });
  }

  /** Asks the agent to end a run that isn't its any more; once for each. */
  cancel(run: { commandId: string; attempt: number; assignNo: number }): void {
    const key = `${run.commandId}/${run.attempt}/${run.assignNo}`;
    this.#cancelled ??= new Set();
    if (this.#cancelled.has(key)) return;
    if (this.#cancelled.size >= maxRememberedCancels) this.#cancelled.clear();
    this.#cancelled.add(key);
    const { commandId, attempt, assignNo } = run;
    this.#o.send({ cancel: { commandId, attempt, assignNo, epoch: this.#o.epoch } });
  }

  #free(run: Run, refused: boolean): void {
    this.#o.answered(run);
    this.#o.slots.release(run);
    this.#o.freed(run, refused);
  }

  #key(frame: RunRef): RunRef & { agentId: string; ledgerId: string } {
    const { commandId, attempt, assignNo } = frame;
    return { commandId, attempt, assignNo, agentId: this.#o.agentId, ledgerId: this.#o.ledgerId };
  }

  /** A run as the log names it. */
  #names({ commandId, attempt }: RunRef): { commandId: string; attempt: number; agentId: string; epoch: number } {
    const { agentId, epoch } = this.#o;
    return { commandId, attempt, agentId, epoch };
  }

  #storeHeld(frame: StartedFrame): void {
    const held = this.#heldStarts.get(frame.commandId);
    if (held?.frame === frame) this.#heldStarts.delete(frame.commandId);
    const wasOurs = this.#o.slots.match(frame) !== undefined;
    this.#track(0, async () => {
      const { recorded } = frame;
      const outcome = await this.#untilStored("started", () =>
        this.#o.store.started({ ...this.#key(frame), recorded }),
      );
      if (outcome !== "stale") return;
      // A run that ended meanwhile is stale too, and has nothing to be cancelled.
      if (wasOurs && !this.#o.slots.match(frame)) return;
      this.#o.metrics.staleReports.inc({ kind: "started" });
      this.#o.log.debug(this.#names(frame), "the agent began a run that isn't its any more; it is told to end it");
      this.cancel(frame);
    });
  }

  #order({ commandId, attempt }: { commandId: string; attempt: number }): OutputOrder | undefined {
    const order = this.#orders.get(commandId);
    return order?.attempt === attempt ? order : undefined;
  }

  #line(commandId: string): OutputLine {
    const existing = this.#lines.get(commandId);
    if (existing) return existing;
    const line = new OutputLine({
      append: (frame) => this.#append(frame),
      began: (bytes, work) => this.#track(bytes, work),
      empty: () => {
        if (this.#lines.get(commandId) === line) this.#lines.delete(commandId);
      },
    });
    this.#lines.set(commandId, line);
    return line;
  }

  async #append({ commandId, attempt, offset, stream, data }: OutputFrame): Promise<void> {
    const { agentId, ledgerId } = this.#o;
    const piece = { agentId, ledgerId, commandId, attempt, offset, stream, data };
    const end = await this.#untilStored("output", () => this.#o.store.appendOutput(piece));
    if (end !== null) {
      this.#o.send({ outputAck: { commandId, attempt, offset: end } });
      return;
    }
    this.#o.metrics.staleReports.inc({ kind: "output" });
    this.cancel({ commandId, attempt, assignNo: this.#o.slots.get(commandId)?.assignNo ?? 0 });
  }

  async #storeResult(frame: ResultFrame, run: Run | undefined): Promise<void> {
    const { kind: _, outputBefore: __, ...report } = frame;
    const outcome = await this.#untilStored("result", () =>
      this.#o.store.result({ ...report, agentId: this.#o.agentId, ledgerId: this.#o.ledgerId }),
    );
    const { commandId, attempt, assignNo } = frame;
    this.#o.send({ resultAck: { commandId, attempt, assignNo } });
    if (this.#order(frame)) this.#orders.delete(commandId);
    recordOutcome(outcome, frame, { ...this.#o, run: this.#names(frame) });
    const completed = outcome.kind === "applied" && outcome.status === "completed";
    if (completed && run?.lane === "control" && (run.type === "FACTS" || run.type === null))
      await this.#facts(commandId);
  }

  async #facts(commandId: string): Promise<void> {
    const { agentId, companyId, store, log } = this.#o;
    await this.#untilStored("facts", () => storeFacts({ agentId, companyId, commandId, store, log }));
  }

  #untilStored<T>(what: string, call: () => Promise<T>): Promise<T> {
    return untilStored(call, { signal: this.#signal, log: this.#o.log, what });
  }

  #track(bytes: number, work: () => Promise<void>): void {
    this.#inProcess += 1;
    this.#bytes += bytes;
    void this.#run(work).finally(() => {
      this.#inProcess -= 1;
      this.#bytes -= bytes;
      this.#o.settled();
      if (this.#inProcess > 0) return;
      for (const resolve of this.#whenIdle) resolve();
      this.#whenIdle = [];
    });
  }

  async #run(work: () => Promise<void>): Promise<void> {
    try {
      await work();
    } catch (error) {
      if (this.#signal.aborted) return;
      const { agentId, epoch } = this.#o;
      this.#o.log.error({ err: error, agentId, epoch }, "a report couldn't be stored");
      this.#o.failed();
    }
  }
}
