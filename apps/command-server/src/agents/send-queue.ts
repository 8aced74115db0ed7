import type { ServerMessageInput } from "@fleetwire/proto";

/** Where frames go: the writable side of a gRPC stream, which buffers without a bound of its own. */
export interface FrameSink {
  /** False: wait for `drain` before the next one. */
  write(frame: ServerMessageInput): boolean;
  once(event: "drain", listener: () => void): unknown;
}

export interface SendQueueLimits {
  maxFrames: number;
  maxBytes: number;
}

/**
 * The frames that wait for one agent to read: bounded by count and bytes, in order. Hands a frame to the stream only
 * while that asks for more.
 */
export class SendQueue {
  readonly #sink: FrameSink;
  readonly #limits: SendQueueLimits;
  #waiting: { frame: ServerMessageInput; bytes: number }[] = [];
  #bytes = 0;
  #blocked = false;

  constructor(sink: FrameSink, limits: SendQueueLimits) {
    this.#sink = sink;
    this.#limits = limits;
  }

  get length(): number {
    return this.#waiting.length;
  }

  /** False when the frame doesn't fit any more; it was dropped then, and the stream is to be closed. */
  push(frame: ServerMessageInput): boolean {
    if (!this.#blocked) {
      this.#write(frame);
      return true;
    }
    const bytes = frameBytes(frame);
    if (this.#waiting.length >= this.#limits.maxFrames || this.#bytes + bytes > this.#limits.maxBytes) return false;
    this.#waiting.push({ frame, bytes });
    this.#bytes += bytes;
    return true;
  }

  /** Hands over everything that waits, whatever the stream says: only before its end. */
  flush(): void {
    for (const { frame } of this.#waiting) this.#sink.write(frame);
    this.clear();
  }

  /** Forgets what waits. */
  clear(): void {
    this.#waiting = [];
    this.#bytes = 0;
  }

  #write(frame: ServerMessageInput): void {
    if (this.#sink.write(frame)) return;
    this.#blocked = true;
    this.#sink.once("drain", () => this.#resume());
  }

  #resume(): void {
    this.#blocked = false;
    while (!this.#blocked) {
      const next = this.#waiting.shift();
      if (!next) return;
      this.#bytes -= next.bytes;
      this.#write(next.frame);
    }
  }
}

const frameOverhead = 64;

/** About what a frame takes; only assignments can be large. */
function frameBytes(frame: ServerMessageInput): number {
  const { assign, welcome } = frame;
  if (welcome) return frameOverhead + (welcome.resume?.length ?? 0) * frameOverhead;
  if (!assign) return frameOverhead;
  const args = (assign.args ?? []).reduce((sum, arg) => sum + arg.length, 0);
  return frameOverhead * 2 + (assign.command?.length ?? 0) + args + (assign.parametersJson?.length ?? 0);
}
