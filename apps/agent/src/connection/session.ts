import type { AgentMessageInput, GoAway, HelloInput, ServerMessage, Welcome } from "@fleetwire/proto";
import type { Clock, Logger } from "@fleetwire/service";
import { createHeartbeat, type Heartbeat } from "./heartbeat.ts";
import type { OpenStream, ServerStream, StreamEnd } from "./stream.ts";
import { createWriter } from "./writer.ts";

/** A welcomed stream, as the runs see it. */
export interface Link {
  readonly epoch: number;
  /** False when the stream has ended. */
  readonly open: boolean;
  /** Largest `OutputChunk.data`, bytes. */
  readonly maxChunkBytes: number;
  /** Resolves when the message is on its way; to false when the stream has ended. See `Writer`. */
  send(message: AgentMessageInput): Promise<boolean>;
  /** Tells the load early, where that matters. */
  loadChanged(): void;
  /** The server takes Facts. */
  readonly takesFacts: boolean;
  /** Ends the stream, so that the next Hello settles what server and agent don't agree about. */
  giveUp(reason: string): void;
}

export interface Load {
  /** Whether it has room for work. */
  occupancy: "idle" | "busy" | "full";
  running: number;
  load1: number;
  freeMemoryBytes: number;
}

/** What the session asks of the agent, and tells it. */
export interface SessionOwner {
  /** Composes the Hello that answers this challenge, when everything before it is written. */
  hello(nonce: Buffer): Promise<HelloInput>;
  /** Frames that come after the Welcome wait until this resolves. */
  welcomed(welcome: Welcome, link: Link): Promise<void>;
  /** A frame of a welcomed stream; `arrivedMs` is on the monotonic clock. */
  frame(message: ServerMessage, link: Link, arrivedMs: number): void;
  /** The stream is over: nothing more of it comes. */
  detached(): void;
  load(): Load;
}

export type SessionEnd =
  { kind: "ended"; end: StreamEnd; welcomed: boolean } | { kind: "go_away"; goAway: GoAway; welcomed: boolean };

export interface Session {
  ended: Promise<SessionEnd>;
  /** Ends the stream after what was written, or after a second by force. */
  close(): void;
}

const handshakeTimeoutMs = 30_000;
const closeTimeoutMs = 1_000;
const defaultChunkBytes = 32 * 1024;

/**
 * One stream, from its opening to its end:
 *
 *   from       to         when
 *   opening    greeting   Challenge: the Hello is composed and sent
 *   greeting   welcoming  Welcome: the agent settles what it holds; frames wait
 *   welcoming  connected  settled: frames are handled as they come
 *   connected  ended      GoAway, no HeartbeatAck in time, the stream's end, or `close`
 *   any other  ended      the same, or no Welcome within 30 s
 */
export function openSession(options: { open: OpenStream; owner: SessionOwner; clock: Clock; log: Logger }): Session {
  const { open, owner, clock, log } = options;
  const ended = Promise.withResolvers<SessionEnd>();
  let state: "opening" | "greeting" | "welcoming" | "connected" | "ended" = "opening";
  let link: Link | null = null;
  let early: { message: ServerMessage; arrivedMs: number }[] = [];
  let heartbeat: Heartbeat | null = null;

  const stream: ServerStream = open({
    message: receive,
    drained: () => writer.drained(),
    ended: (end) => finish({ kind: "ended", end, welcomed: link !== null }),
  });
  const writer = createWriter(stream);
  const send = (message: AgentMessageInput): Promise<boolean> => writer.send(message);
  const handshake = setTimeout(() => fail("no welcome in time"), handshakeTimeoutMs);

  function receive(message: ServerMessage): void {
    const arrivedMs = clock.monotonicMs();
    if (state === "ended") return;
    if (message.goAway) {
      finish({ kind: "go_away", goAway: message.goAway, welcomed: link !== null });
      endStream();
    } else if (state === "opening" && message.challenge) {
      state = "greeting";
      void greet(message.challenge.nonce);
    } else if (state === "greeting" && message.welcome) {
      state = "welcoming";
      void welcome(message.welcome);
    } else if (state === "welcoming") {
      early.push({ message, arrivedMs });
    } else if (state === "connected") {
      handle(message, arrivedMs);
    } else {
      log.warn({ frame: message.body, state }, "frame out of turn: ignored");
    }
  }

  async function greet(nonce: Buffer): Promise<void> {
    try {
      const hello = await owner.hello(nonce);
      if (state === "greeting") await writer.send({ hello });
    } catch (err) {
      log.error({ err }, "the hello can't be composed");
      fail("the agent couldn't compose its hello");
    }
  }

  async function welcome(welcome: Welcome): Promise<void> {
    clearTimeout(handshake);
    const own: Link = {
      get open() {
        return state !== "ended";
      },
      epoch: welcome.epoch,
      maxChunkBytes: welcome.maxChunkBytes || defaultChunkBytes,
      takesFacts: welcome.takesFacts,
      send,
      loadChanged: () => heartbeat?.loadChanged(),
      giveUp: fail,
    };
    link = own;
    heartbeat = createHeartbeat({ welcome, clock, load: () => owner.load(), send, onSilence: fail });
    try {
      await owner.welcomed(welcome, own);
    } catch (err) {
      log.error({ err }, "the welcome can't be followed");
      fail("the agent couldn't follow the welcome");
    }
    if (state !== "welcoming") return;
    state = "connected";
    const waiting = early;
    early = [];
    for (const { message, arrivedMs } of waiting) handle(message, arrivedMs);
  }

  function handle(message: ServerMessage, arrivedMs: number): void {
    if (message.heartbeatAck) heartbeat?.acknowledged(message.heartbeatAck.sequence);
    else if (link !== null && state === "connected") owner.frame(message, link, arrivedMs);
  }

  function fail(details: string): void {
    // `finish` has no effect on a stream that has ended; `cancel` neither.
    finish({ kind: "ended", end: { status: "AGENT", code: "", details }, welcomed: link !== null });
    stream.cancel();
  }

  function finish(end: SessionEnd): void {
    if (state === "ended") return;
    state = "ended";
    clearTimeout(handshake);
    heartbeat?.stop();
    writer.close();
    early = [];
    if (link !== null) owner.detached();
    ended.resolve(end);
  }

  /** What was written still goes out; a server that doesn't answer isn't waited for. */
  function endStream(): void {
    stream.end();
    setTimeout(() => fail("closed by the agent"), closeTimeoutMs).unref();
  }

  return { ended: ended.promise, close: endStream };
}
