import type { ServerDuplexStream, StatusObject } from "@grpc/grpc-js";
import type { AgentMessage, ServerMessageInput } from "@fleetwire/proto";
import { http2StreamOf, resetStream } from "./reset-stream.ts";
import { SendQueue, type SendQueueLimits } from "./send-queue.ts";

/** How the other side went: `closed` by its own end of the stream, `lost` in every other way. */
export type StreamEnd = "closed" | "lost";

export interface StreamListener {
  frame(message: AgentMessage): void;
  /** Once; not after `finish`. */
  ended(how: StreamEnd): void;
  /** Once: a frame didn't fit the send queue. */
  overflow(): void;
  /** Once, when `closed` resolves: after `finish` too. */
  closed?(): void;
}

export interface StreamLimits extends SendQueueLimits {
  flushGraceMs: number;
}

const deaf: StreamListener = { frame() {}, ended() {}, overflow() {} };

/**
 * One agent's gRPC stream without the ways in which grpc-js is peculiar: dead peers arrive as `end` + `cancelled` +
 * `close` without `error`, `cancelled` comes after a normal end too, writes are buffered without limit, and ending
 * waits for a peer that may never read.
 */
export class AgentStream {
  readonly peer: string;
  /** Resolves when the stream has ended, or was reset. */
  readonly closed: Promise<void>;
  readonly #call: ServerDuplexStream<AgentMessage, ServerMessageInput>;
  readonly #queue: SendQueue;
  readonly #flushGraceMs: number;
  #listener: StreamListener = deaf;
  // The last to listen; kept apart, since after `finish` nothing else is told.
  #closing: StreamListener | null = null;
  #over = false;
  #reset: () => void = () => {};

  constructor(call: ServerDuplexStream<AgentMessage, ServerMessageInput>, limits: StreamLimits) {
    this.#call = call;
    this.peer = call.getPeer();
    this.#flushGraceMs = limits.flushGraceMs;
    this.#queue = new SendQueue(call, limits);
    this.closed = this.#watchClose();
    void this.closed.then(() => this.#closing?.closed?.());
    call.on("data", (message: AgentMessage) => {
      if (!this.#over) this.#listener.frame(message);
    });
    // After a lost connection `end` comes as well, just before `cancelled`: give that a turn to arrive.
    call.on("end", () => setImmediate(() => this.#peerEnded(call.cancelled ? "lost" : "closed")));
    call.on("cancelled", () => this.#peerEnded("lost"));
    call.on("error", () => this.#peerEnded("lost"));
  }

  get over(): boolean {
    return this.#over;
  }

  /** From now on this listener is told; the one before isn't any more. */
  listen(listener: StreamListener): void {
    this.#listener = listener;
    this.#closing = listener;
  }

  send(frame: ServerMessageInput): void {
    if (this.#over || this.#queue.push(frame)) return;
    this.#listener.overflow();
  }

  pause(): void {
    this.#call.pause();
  }

  resume(): void {
    if (!this.#over) this.#call.resume();
  }

  /**
   * Ends the stream: what waits is handed over (unless `drop`), then `status` (null: OK). A peer that doesn't take it
   * within the grace is reset.
   */
  finish(
    status: Partial<StatusObject> | null,
    options: { last?: ServerMessageInput | undefined; drop?: boolean } = {},
  ): void {
    if (this.#over) return;
    this.#over = true;
    this.#listener = deaf;
    if (options.drop) this.#queue.clear();
    else this.#queue.flush();
    if (options.last) this.#call.write(options.last);
    // grpc-js takes the status of a stream as an emitted error, and ends the stream then.
    if (status) this.#call.emit("error", status);
    else this.#call.end();
    // Reads on, so that the peer's own end is seen.
    this.#call.resume();
    const timer = setTimeout(() => this.#reset(), this.#flushGraceMs);
    void this.closed.then(() => clearTimeout(timer));
  }

  /** Ends it without waiting for the peer. */
  reset(): void {
    this.finish(null, { drop: true });
    this.#reset();
  }

  #peerEnded(how: StreamEnd): void {
    if (this.#over) return;
    const listener = this.#listener;
    if (how === "lost") {
      this.#over = true;
      this.#listener = deaf;
      this.#queue.clear();
      this.#reset();
    }
    listener.ended(how);
  }

  #watchClose(): Promise<void> {
    const stream = http2StreamOf(this.#call);
    return new Promise((resolve) => {
      if (stream) {
        // On a connection that takes nothing more, the stream's own end would have to be waited for as well.
        this.#reset = () => {
          resetStream(stream);
          resolve();
        };
        if (stream.closed) resolve();
        else stream.once("close", resolve);
        return;
      }
      this.#reset = resolve;
      this.#call.once("close", resolve);
    });
  }
}
