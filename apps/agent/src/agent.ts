import { randomUUID } from "node:crypto";
import { freemem, loadavg } from "node:os";
import { setTimeout as sleep } from "node:timers/promises";
import type { HelloInput, ServerMessage, Welcome } from "@fleetwire/proto";
import type { Clock, Logger } from "@fleetwire/service";
import { collectFacts, newsOf } from "./commands/facts.ts";
import { type Connection, type Dismissal, keepConnected } from "./connection/connection.ts";
import { createFactsSender } from "./connection/facts-sender.ts";
import type { Link, Load } from "./connection/session.ts";
import type { OpenStream } from "./connection/stream.ts";
import { AgentError, type ExitCode, exitCodes } from "./exit-codes.ts";
import type { Identity } from "./identity/identity.ts";
import type { Ledger } from "./ledger/ledger.ts";
import { type LiveSettings, toProfile } from "./profile.ts";
import { heldReport } from "./runs/reports.ts";
import { createRuns } from "./runs/runs.ts";

export interface AgentOptions {
  agentId: string;
  version: string;
  /** Until `change`. */
  live: LiveSettings;
  ledger: Ledger;
  identity: Pick<Identity, "signHello">;
  open: OpenStream;
  /** Tries to enrol again, when the server says that it doesn't know the agent. */
  enrolAgain: () => Promise<void>;
  /** How long running commands may go on when the agent stops, ms. */
  drainGraceMs: number;
  /** Between TERM and KILL of a command, ms. */
  killGraceMs: number;
  /** How often facts are looked at, 0 for never, and within what time after connecting, ms. */
  factsIntervalMs: number;
  factsDelayMs: number;
  clock: Clock;
  log: Logger;
  random?: () => number;
}

export interface AgentEnd {
  exitCode: ExitCode;
  reason: string;
}

export interface Agent {
  /** Resolves when it has stopped: nothing runs, and the stream is closed. The ledger is still open. */
  ended: Promise<AgentEnd>;
  /** Tells the server, and goes by it from now on; what runs isn't touched. */
  change(live: LiveSettings): void;
  /** Takes no more, lets what runs end or its grace be over, and ends. A later call has no effect. */
  stop(end: AgentEnd): void;
  /** Ends every process that it started, at once: for the end of the agent's process. */
  kill(): void;
}

// How long a stopping agent waits for the server to acknowledge its last results; they are in the ledger anyway.
const acknowledgeWaitMs = 2_000;
// How long it waits, beyond the grace between TERM and KILL, for the end of what it stops, and for a full disk.
const recordWaitMs = 15_000;

/**
 * The agent itself, without process, settings and network: connects through `open`, carries out what it is assigned,
 * and keeps account in the ledger. The ledger has to be free of runs of an earlier process's children (`sweepOrphans`).
 */
export async function startAgent(options: AgentOptions): Promise<Agent> {
  const { agentId, version, ledger, identity, clock, log, random = Math.random } = options;
  const bootId = randomUUID();
  const ended = Promise.withResolvers<AgentEnd>();
  let { live } = options;
  let stopping = false;
  let toldProfile = "";
  let link: Link | null = null;
  let reportedRefusals: number[] = [];
  let connection: Connection | null = null;

  const runs = createRuns({
    ...live,
    ledger,
    clock,
    log,
    onRunning: () => link?.loadChanged(),
    onControl: (action, reason) => void stopAfterReport(action, reason),
    onFatal: endAtOnce,
  });

  function endAtOnce(err: unknown): void {
    log.fatal({ err }, "the ledger is lost: ending");
    ended.resolve({ exitCode: exitCodes.crashed, reason: "the ledger is lost" });
  }

  const facts = createFactsSender({
    async collect() {
      const found = await collectFacts({ agentId, version });
      return { json: JSON.stringify(found), news: newsOf(found) };
    },
    intervalMs: options.factsIntervalMs,
    delayMs: options.factsDelayMs,
    random,
    log,
  });

  /** Where it isn't what was said last. */
  function tellProfile(): void {
    const profile = toProfile(live, stopping);
    const text = JSON.stringify(profile);
    if (link === null || text === toldProfile) return;
    toldProfile = text;
    void link.send({ profile });
  }

  function change(next: LiveSettings): void {
    live = next;
    runs.change(next);
    tellProfile();
    link?.loadChanged();
  }

  function load(): Load {
    const { running } = runs;
    const occupancy = running === 0 ? "idle" : running < live.concurrency ? "busy" : "full";
    return { occupancy, running, load1: loadavg()[0] ?? 0, freeMemoryBytes: freemem() };
  }

  async function hello(nonce: Buffer): Promise<HelloInput> {
    const snapshot = await ledger.snapshot();
    const profile = toProfile(live, stopping);
    toldProfile = JSON.stringify(profile);
    reportedRefusals = snapshot.held.filter(({ state }) => state === "refused").map(({ assignNo }) => assignNo);
    return {
      agentId,
      ledgerId: snapshot.ledgerId,
      seenEpoch: snapshot.seenEpoch,
      highest: snapshot.highest,
      horizon: snapshot.horizon,
      held: snapshot.held.map(heldReport),
      profile,
      signature: identity.signHello(nonce, agentId, snapshot.ledgerId),
      version,
      bootId,
    };
  }

  async function welcomed(welcome: Welcome, next: Link): Promise<void> {
    if (welcome.newLedgerId !== "") {
      log.error(
        { ledgerId: welcome.newLedgerId },
        "the ledger is an older copy: a new one is begun, the old is kept aside",
      );
      runs.abandon();
      await ledger.renew(welcome.newLedgerId);
    } else {
      await ledger.acknowledgeRefused(reportedRefusals);
    }
    await ledger.seeEpoch(welcome.epoch);
    // The stream may have ended meanwhile: what is held is told on the next.
    if (!next.open) return;
    link = next;
    runs.attach(next, welcome.newLedgerId === "" ? welcome.resume : []);
    facts.attach(next);
    // It may have changed since the hello.
    tellProfile();
    log.info({ epoch: welcome.epoch, serverId: welcome.serverId }, "agent connected");
  }

  function frame(message: ServerMessage, on: Link, arrivedMs: number): void {
    const addressed = message.assign ?? message.cancel;
    if (addressed && addressed.epoch !== on.epoch) {
      const { commandId, epoch } = addressed;
      log.warn({ commandId, epoch, ownEpoch: on.epoch }, "frame of another epoch: dropped");
    } else if (message.assign) {
      runs.assign(message.assign, on, arrivedMs);
    } else if (message.cancel) {
      runs.cancel(message.cancel, on);
    } else if (message.resultAck) {
      runs.acknowledgeResult(message.resultAck);
    } else if (message.outputAck) {
      runs.acknowledgeOutput(message.outputAck);
    } else if (message.factsAck) {
      facts.acknowledged();
    }
  }

  function detached(): void {
    link = null;
    facts.detach();
    runs.detach();
  }

  async function stopAfterReport(action: "stop" | "restart", reason: string): Promise<void> {
    log.info({ action, reason }, "asked to end by a command");
    await Promise.race([runs.settled(), sleep(acknowledgeWaitMs)]);
    stop({ exitCode: action === "restart" ? exitCodes.restart : exitCodes.stopped, reason: reason || action });
  }

  function stop(end: AgentEnd): void {
    if (stopping) return;
    stopping = true;
    runs.drain();
    log.info({ reason: end.reason, running: runs.running }, "draining");
    void drain(options.drainGraceMs).then(() => ended.resolve(end));
  }

  async function drain(graceMs: number): Promise<void> {
    tellProfile();
    await Promise.race([runs.idle(), sleep(graceMs)]);
    runs.interrupt();
    await Promise.race([runs.idle(), sleep(options.killGraceMs + recordWaitMs)]);
    if (link !== null) await Promise.race([runs.settled(), sleep(acknowledgeWaitMs)]);
    await connection?.close();
  }

  /** The server wants no more of this agent: what runs is ended at once. */
  async function dismiss(dismissal: Dismissal): Promise<void> {
    const { reason, message } = dismissal;
    log.error({ reason, message }, "dismissed by the server: ending");
    stopping = true;
    runs.drain();
    await drain(0);
    const exitCode = reason === "superseded" ? exitCodes.superseded : exitCodes.refused;
    ended.resolve({ exitCode, reason: `${reason}: ${message}` });
  }

  await runs.restore((await ledger.snapshot()).held);
  connection = keepConnected({
    open: options.open,
    owner: {
      hello,
      welcomed,
      frame,
      detached,
      load,
    },
    enrolAgain: async () => {
      try {
        await options.enrolAgain();
      } catch (err) {
        // Without a valid token there is nothing to do but to wait for the operator.
        const reason = err instanceof AgentError ? err.message : String(err);
        log.error({ reason }, "the server doesn't know this agent, and it can't be enrolled again");
      }
    },
    clock,
    log,
    random,
  });
  void connection.dismissed.then(dismiss);
  void ledger.lost.then(endAtOnce);

  return { ended: ended.promise, change, stop, kill: () => runs.kill() };
}
