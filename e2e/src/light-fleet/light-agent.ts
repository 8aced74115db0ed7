import { randomUUID, sign, type KeyObject } from "node:crypto";
import { status as grpcStatus, type ClientDuplexStream, type StatusObject } from "@grpc/grpc-js";
import type { AgentMessageInput, GoAway, ProfileInput, ServerMessage, Welcome } from "@fleetwire/proto";
import type { Channel, Channels } from "./channels.ts";
import { LightRuns } from "./light-runs.ts";
import { countIn, type LightFleetStats } from "./stats.ts";

export interface LightAgentOptions {
  id: string;
  privateKey: KeyObject;
  /** Servers; after a failure the next one is tried. */
  addresses: readonly string[];
  profile: ProfileInput;
  channels: Channels;
  stats: LightFleetStats;
  /** Called for each execution of a command that counts. */
  executed(commandId: string): void;
}

// As the real agent has them.
const baseMs = 250;
const capMs = 30_000;
const steadyMs = 5_000;
const handshakeTimeoutMs = 30_000;

/**
 * One agent without a process, a disk or a shell of its own: enrolled already, it keeps one session open, runs what
 * `small-shell.ts` understands and remembers it as a ledger would. It connects again after any end, with full jitter
 * or when GoAway says, except where that says not to.
 */
export class LightAgent {
  readonly #o: LightAgentOptions;
  readonly #runs: LightRuns;
  readonly #bootId = randomUUID();
  #ledgerId: string = randomUUID();
  #epoch = 0;
  #failures = 0;
  #server = 0;
  #call: ClientDuplexStream<AgentMessageInput, ServerMessage> | null = null;
  #channel: Channel | null = null;
  #welcome: Pick<Welcome, "heartbeatIntervalMs" | "heartbeatTimeoutMs"> | null = null;
  #openedMs = 0;
  #heardMs = 0;
  #sequence = 0;
  #retry: NodeJS.Timeout | undefined;
  #over = false;

  constructor(options: LightAgentOptions, server: number) {
    this.#o = options;
    this.#server = server;
    this.#runs = new LightRuns({
      send: (message) => this.#send(message),
      executed: (id) => options.executed(id),
      numberTaken: () => this.#breakOff("a number came for the second time"),
    });
  }

  connect(): void {
    if (this.#over) return;
    const { channels, addresses } = this.#o;
    this.#channel = channels.take(addresses[this.#server % addresses.length] ?? "");
    const call = this.#channel.client.connect();
    this.#call = call;
    this.#openedMs = performance.now();
    call.on("data", (message: ServerMessage) => {
      if (this.#call === call) this.#receive(message);
    });
    // What went wrong is in the status.
    call.on("error", () => {});
    call.on("status", (status: StatusObject) => this.#ended(call, status));
  }

  /** Called about once a second: beats when due, and gives a silent server up. */
  tick(nowMs: number): void {
    if (this.#call === null) return;
    const welcome = this.#welcome;
    if (welcome === null) {
      if (nowMs - this.#openedMs > handshakeTimeoutMs) this.#giveUp("no welcome in time");
      return;
    }
    if (nowMs - this.#heardMs > welcome.heartbeatTimeoutMs) {
      this.#giveUp("silence");
      return;
    }
    const due = this.#openedMs + (this.#sequence + 1) * welcome.heartbeatIntervalMs;
    if (nowMs < due) return;
    this.#sequence = Math.floor((nowMs - this.#openedMs) / welcome.heartbeatIntervalMs);
    this.#send({
      heartbeat: { sequence: this.#sequence, running: this.#runs.running, load1: 0.5, freeMemoryBytes: 2 ** 30 },
    });
  }

  /** Ends it for good. */
  close(): void {
    this.#over = true;
    clearTimeout(this.#retry);
    this.#call?.cancel();
    this.#detach();
  }

  #send(message: AgentMessageInput): void {
    if (this.#welcome !== null) this.#call?.write(message);
  }

  #receive(message: ServerMessage): void {
    this.#heardMs = performance.now();
    if (message.challenge) this.#greet(message.challenge.nonce);
    else if (message.welcome) this.#begin(message.welcome);
    else if (message.goAway) this.#sentAway(message.goAway);
    else if (message.assign?.epoch === this.#epoch) this.#runs.assign(message.assign);
    else if (message.cancel?.epoch === this.#epoch) this.#runs.cancel(message.cancel);
    else if (message.resultAck) this.#runs.ledger.acknowledge(message.resultAck);
  }

  #greet(nonce: Buffer): void {
    const { id, privateKey, profile } = this.#o;
    const { highest } = this.#runs.ledger;
    const signed = [Buffer.from("fleetwire-hello-v1\n"), nonce, Buffer.from(`\n${id}\n${this.#ledgerId}`)];
    this.#call?.write({
      hello: {
        agentId: id,
        ledgerId: this.#ledgerId,
        bootId: this.#bootId,
        seenEpoch: this.#epoch,
        highest,
        held: this.#runs.ledger.held(),
        signature: sign(null, Buffer.concat(signed), privateKey),
        version: "light",
        profile,
      },
    });
  }

  #begin(welcome: Welcome): void {
    const { stats } = this.#o;
    this.#welcome = welcome;
    this.#epoch = welcome.epoch;
    if (welcome.newLedgerId !== "") {
      this.#ledgerId = welcome.newLedgerId;
      this.#runs.ledger.clear();
    }
    stats.connected += 1;
    stats.welcomes += 1;
    stats.lastWelcomeAt = Date.now();
    for (const result of this.#runs.ledger.results()) this.#send({ result });
  }

  #sentAway({ reason, reconnect, afterMs }: GoAway): void {
    countIn(this.#o.stats.goAways, reason);
    this.#call?.end();
    this.#detach();
    if (!reconnect) {
      this.#o.stats.dismissed += 1;
      this.#over = true;
      return;
    }
    this.#again(afterMs);
  }

  #ended(call: ClientDuplexStream<AgentMessageInput, ServerMessage>, status: StatusObject): void {
    if (this.#call !== call) return;
    const code = status.metadata.get("fleetwire-code")[0]?.toString();
    countIn(this.#o.stats.ends, code ?? grpcStatus[status.code]);
    this.#failed();
  }

  /** The server's connection is of no use any more. */
  #giveUp(why: string): void {
    this.#channel?.retire();
    this.#breakOff(why);
  }

  #breakOff(why: string): void {
    countIn(this.#o.stats.ends, why);
    const call = this.#call;
    this.#failed();
    call?.cancel();
  }

  /** The wait is uniform up to a ceiling that doubles with each failure, as with the real agent. */
  #failed(): void {
    if (this.#welcome !== null && performance.now() - this.#openedMs > steadyMs) this.#failures = 0;
    this.#detach();
    const ceiling = Math.min(capMs, baseMs * 2 ** Math.min(this.#failures, 20));
    this.#failures += 1;
    this.#again(Math.random() * ceiling);
  }

  #again(afterMs: number): void {
    if (this.#over) return;
    this.#server += 1;
    this.#retry = setTimeout(() => this.connect(), afterMs);
  }

  #detach(): void {
    if (this.#call === null) return;
    if (this.#welcome !== null) this.#o.stats.connected -= 1;
    this.#call = null;
    this.#welcome = null;
    this.#sequence = 0;
    this.#channel?.release();
    this.#channel = null;
  }
}
