import { randomInt } from "node:crypto";
import type { AgentMessage, ServerMessageInput } from "@fleetwire/proto";
import { FleetwireError, toGrpcStatus, type Clock, type Logger } from "@fleetwire/service";
import type { AgentProfile, Assignment, CommandStore, DisconnectReason, KeptRun } from "../store/command-store.ts";
import { assignFrame } from "./assign-frame.ts";
import type { AgentStream, StreamEnd } from "./agent-stream.ts";
import type { FixedDelay } from "./fixed-delay.ts";
import { readFrame, type AgentFrame, type HeartbeatFrame } from "./frames.ts";
import { InboundPace } from "./inbound-pace.ts";
import { ProfileWriter } from "./profile-writer.ts";
import { ProtocolError } from "./protocol-error.ts";
import { RunReports, type HeldStart } from "./run-reports.ts";
import { RunSlots, type Run } from "./run-slots.ts";
import { sessionEndings } from "./session-endings.ts";
import { frameKind, type SessionMetrics } from "./session-metrics.ts";
import type { SessionSettings } from "./session-settings.ts";
import type { StopSignal } from "./stop-signal.ts";
import { untilStored } from "./store-retry.ts";

/** What a session shares with the others of this server. */
export interface SessionContext {
  store: CommandStore;
  log: Logger;
  clock: Clock;
  settings: SessionSettings;
  metrics: SessionMetrics;
  heldStarts: FixedDelay<HeldStart>;
  /** Runs that wait for their first answer. */
  unanswered: FixedDelay<Run>;
  /** Aborted when nothing may be tried any more. */
  signal: StopSignal;
  heartbeat(session: AgentSession, beat: HeartbeatFrame): void;
  facts(session: AgentSession, json: string): void;
  /** A slot is free again. */
  freed(session: AgentSession, run: Run, refused: boolean): void;
  /** More may be sent to it now: more slots, or no longer draining. */
  ready(session: AgentSession): void;
  /** It isn't open any more. */
  left(session: AgentSession): void;
}

export interface SessionIdentity {
  agentId: string;
  ledgerId: string;
  companyId: string;
  epoch: number;
}

// Of the frames that an agent may send in a second.
const frameCosts = { aside: 50, ofOthersRuns: 10 };

type SessionState = "open" | "closing" | "closed";

/**
 * One agent's live stream, from Welcome on (`connect.ts` has what comes before).
 *
 *   from        to       when
 *   challenged  open     the Hello was verified and the store opened the session; Welcome is on its way   (connect.ts)
 *   challenged  closed   no Hello in time, refused, too many at once, or the stream was lost              (connect.ts)
 *   open        closing  the first of: the agent closed or was lost, a timeout, superseded, revoked, a broken
 *                        frame, a full send queue, the server stops. The reason is recorded once; nothing is
 *                        read, sent or assigned from here on
 *   closing     closed   the stream is gone, the end is stored, and the reports that had come are stored or given up
 */
export class AgentSession {
  readonly identity: SessionIdentity;
  readonly slots: RunSlots;
  readonly reports: RunReports;
  /** Whether the store may have more for a lane than was given; kept by the distributor. */
  readonly mayHaveMore = { work: true, control: true };
  /** Resolves when the session is closed. */
  readonly closed: Promise<void>;
  readonly #stream: AgentStream;
  readonly #context: SessionContext;
  readonly #pace: InboundPace;
  #profileWriter: ProfileWriter | null = null;
  #version: string;
  #draining: boolean;
  #state: SessionState = "open";
  #lastHeardMs: number;
  #lastSequence = 0;
  #markClosed: () => void = () => {};

  constructor(o: { identity: SessionIdentity; profile: AgentProfile; stream: AgentStream; context: SessionContext }) {
    const { settings, clock } = o.context;
    this.identity = o.identity;
    this.#version = o.profile.version;
    this.#draining = o.profile.draining;
    this.#stream = o.stream;
    this.#context = o.context;
    this.#lastHeardMs = clock.monotonicMs();
    this.closed = new Promise((resolve) => (this.#markClosed = resolve));
    this.slots = new RunSlots({ work: o.profile.concurrency, control: settings.controlSlots });
    this.reports = new RunReports({
      ...o.identity,
      slots: this.slots,
      store: o.context.store,
      log: o.context.log,
      metrics: o.context.metrics,
      heldStarts: o.context.heldStarts,
      send: (frame) => this.send(frame),
      answered: (run) => o.context.unanswered.delete(run),
      freed: (run, refused) => o.context.freed(this, run, refused),
      settled: () => this.#pace.settled(this.reports),
      failed: () => this.end("protocol_error", "a report couldn't be stored"),
    });
    this.#pace = new InboundPace({
      settings,
      clock,
      pause: () => o.stream.pause(),
      resume: () => {
        // The silence was ours.
        this.#lastHeardMs = clock.monotonicMs();
        o.stream.resume();
      },
    });
  }

  get agentId(): string {
    return this.identity.agentId;
  }

  get epoch(): number {
    return this.identity.epoch;
  }

  get open(): boolean {
    return this.#state === "open";
  }

  get draining(): boolean {
    return this.#draining;
  }

  /** Takes over the stream. The runs that the agent goes on with keep their slots; what is done only owes its result. */
  begin(kept: readonly (KeptRun & { running: boolean })[]): void {
    for (const run of kept) {
      this.reports.expect(run);
      if (run.running) this.slots.occupy(this.#run({ ...run, type: null }));
    }
    this.#stream.listen({
      frame: (message) => this.#receive(message),
      ended: (how) => this.#streamEnded(how),
      overflow: () => this.end("send_queue_full", "the agent reads more slowly than it is written to"),
    });
    this.#stream.resume();
  }

  send(frame: ServerMessageInput): void {
    if (this.#state !== "open") return;
    const [kind] = Object.keys(frame);
    this.#context.metrics.frames.inc({ direction: "out", kind: kind ?? "unknown" });
    this.#stream.send(frame);
  }

  /** Gives the agent a command that the store has assigned to this session. */
  give(assignment: Assignment): void {
    const run = this.#run(assignment);
    this.slots.occupy(run);
    this.reports.expect({ ...run, outputEnd: 0 });
    this.#context.unanswered.add(run);
    this.send({ assign: assignFrame(assignment) });
  }

  /**
   * Ends the session when the agent has been silent for too long, not counting the time that this process stood still;
   * while the agent isn't read, tells it that this side lives.
   */
  checkAlive(stalledMs: number): void {
    const { heartbeatTimeoutMs, heartbeatIntervalMs } = this.#context.settings;
    this.#lastHeardMs += stalledMs;
    const silentMs = this.#context.clock.monotonicMs() - this.#lastHeardMs;
    if (!this.#pace.reading) {
      if (silentMs < heartbeatIntervalMs) return;
      this.#lastHeardMs = this.#context.clock.monotonicMs();
      this.send({ heartbeatAck: { sequence: this.#lastSequence } });
    } else if (silentMs > heartbeatTimeoutMs) {
      this.end("heartbeat_timeout", `nothing was heard for ${Math.round(silentMs)} ms`);
    }
  }

  /** Tells the agent to connect again after `afterMs`; the session goes on until it is ended. */
  sendGoAway(afterMs: number): void {
    this.send({ goAway: { reason: "GO_AWAY_REASON_SERVER_STOPPING", afterMs, reconnect: true } });
  }

  /** Ends the session for this reason, unless it has ended. `detail` is recorded, and told to the agent where it is told something. */
  end(reason: DisconnectReason, detail: string | null): void {
    if (this.#state !== "open") return;
    this.#state = "closing";
    this.#pace.close();
    this.#context.left(this);
    this.#context.metrics.disconnects.inc({ reason });
    const { agentId, epoch, companyId } = this.identity;
    this.#context.log.info({ agentId, epoch, companyId, reason, detail }, "agent session ended");
    const { error, goAway } = sessionEndings[reason];
    const afterMs = goAway?.reconnect ? randomInt(5_000, 15_000) : 0;
    const last = goAway && { goAway: { ...goAway, afterMs, message: detail ?? "" } };
    const status = error && toGrpcStatus(new FleetwireError(error, detail ?? undefined));
    this.#stream.finish(status, { last: last ?? undefined, drop: reason === "send_queue_full" });
    void this.#close(reason, detail);
  }

  async #close(reason: DisconnectReason, detail: string | null): Promise<void> {
    const { store, settings, signal, log } = this.#context;
    const { agentId, epoch } = this.identity;
    const linger = setTimeout(() => this.reports.abort(), settings.lingerMs);
    const stored = untilStored(() => store.closeSession(agentId, epoch, reason, detail), { signal, log, what: "end" });
    const [end] = await Promise.allSettled([stored, this.reports.idle(), this.#stream.closed]);
    if (end.status === "rejected" && !signal.aborted) {
      log.error({ err: end.reason, agentId, epoch }, "the end of a session couldn't be stored");
    }
    clearTimeout(linger);
    this.#state = "closed";
    this.#markClosed();
  }

  /** Ends the stream without waiting for the agent, and gives up what the store hasn't taken. */
  reset(): void {
    this.end("server_stopping", null);
    this.reports.abort();
    this.#stream.reset();
  }

  #streamEnded(how: StreamEnd): void {
    if (how === "closed") this.end("agent_closed", null);
    else this.end("connection_lost", null);
  }

  #receive(message: AgentMessage): void {
    if (this.#state !== "open") return;
    this.#lastHeardMs = this.#context.clock.monotonicMs();
    this.#context.metrics.frames.inc({ direction: "in", kind: frameKind(message) });
    try {
      this.#handle(message);
    } catch (error) {
      if (!(error instanceof ProtocolError)) {
        this.#context.log.error(
          { err: error, agentId: this.agentId, epoch: this.epoch },
          "a frame couldn't be handled",
        );
      }
      this.end("protocol_error", error instanceof ProtocolError ? error.message : "the frame couldn't be handled");
    }
  }

  #handle(message: AgentMessage): void {
    const frame = readFrame(message, this.#version, this.#context.settings);
    const cost = this.#cost(frame);
    if (cost > 0 && this.#pace.arrived(cost) === "flood") throw new ProtocolError("a flood of frames");
    if (frame.kind === "heartbeat") this.#heartbeat(frame);
    else if (frame.kind === "profile") this.#changeProfile(frame.profile);
    else if (frame.kind === "facts") this.#context.facts(this, frame.json);
    else if (frame.kind === "output") this.reports.output(frame);
    else if (frame.kind === "started") this.reports.started(frame);
    else if (frame.kind === "refused") this.reports.refused(frame);
    else if (frame.kind === "result") this.reports.result(frame);
    this.#pace.settled(this.reports);
  }

  /**
   * As how many frames it counts. What an agent says of the runs that it was given is bounded by those; its output by
   * what the store takes, so that a rate would only split it into larger pieces. The rest it has no reason to say often.
   */
  #cost(frame: AgentFrame): number {
    if (!("commandId" in frame)) return frameCosts.aside;
    if (!this.reports.knows(frame)) return frameCosts.ofOthersRuns;
    return frame.kind === "output" ? 0 : 1;
  }

  #heartbeat(beat: HeartbeatFrame): void {
    this.#lastSequence = beat.sequence;
    this.send({ heartbeatAck: { sequence: beat.sequence } });
    this.#context.heartbeat(this, beat);
  }

  acknowledgeFacts(): void {
    this.send({ factsAck: {} });
  }

  #changeProfile(profile: AgentProfile): void {
    this.#version = profile.version;
    this.#draining = profile.draining;
    this.slots.resizeWork(profile.concurrency);
    this.#profileWriter ??= new ProfileWriter({ ...this.#context, ...this.identity });
    this.#profileWriter.write(profile);
    this.#context.ready(this);
  }

  #run(o: Omit<Run, "agentId" | "epoch">): Run {
    const { commandId, attempt, assignNo, lane, type } = o;
    return { commandId, attempt, assignNo, lane, type, agentId: this.agentId, epoch: this.epoch };
  }
}
