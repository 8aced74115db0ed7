import type { ServerResponse } from "node:http";
import { toProblem } from "@fleetwire/service";
import type { FastifyReply } from "fastify";

/** One server-sent event. `data` is written as JSON. */
export interface StreamEvent {
  event: string;
  /** What the client sends back as `Last-Event-ID` when it connects again. */
  id?: string;
  data: unknown;
}

export interface EventStreamOptions {
  /** Aborts when the client is gone or this server stops. */
  signal: AbortSignal;
  heartbeatMs: number;
  /** A reader that takes nothing for this long is disconnected. */
  stallMs: number;
}

/**
 * Writes events as `text/event-stream` until the source ends or the signal aborts. One event is in flight at a time:
 * the next is asked for when the socket has taken the last, so that a slow reader costs no memory here. An error of
 * the source is told as the event `problem` and ends the stream.
 */
export async function sendEvents(
  reply: FastifyReply,
  source: AsyncIterable<StreamEvent>,
  options: EventStreamOptions,
): Promise<void> {
  const response = openStream(reply);
  const heartbeat = setInterval(() => {
    if (!response.writableNeedDrain) response.write(": alive\n\n");
  }, options.heartbeatMs);
  try {
    for await (const event of source) {
      if (options.signal.aborted) break;
      if (!response.write(encodeEvent(event)) && !(await drained(response, options))) break;
    }
  } catch (error) {
    response.write(encodeEvent({ event: "problem", data: toProblem(error, reply.request.id) }));
  } finally {
    clearInterval(heartbeat);
    if (response.writableNeedDrain) response.destroy();
    else response.end();
  }
}

/** A source whose first event was asked for before, to see whether there is one. */
export async function* startingWith<T>(
  first: IteratorResult<T, void>,
  rest: AsyncGenerator<T, void>,
): AsyncGenerator<T> {
  if (first.done === true) return;
  try {
    yield first.value;
    yield* rest;
  } finally {
    // Where the reader left before the rest was asked for.
    await rest.return();
  }
}

function openStream(reply: FastifyReply): ServerResponse {
  reply.hijack();
  const response = reply.raw;
  for (const [name, value] of Object.entries(reply.getHeaders())) {
    if (value !== undefined) response.setHeader(name, value);
  }
  response.writeHead(200, {
    "content-type": "text/event-stream; charset=utf-8",
    "cache-control": "no-store",
    // Proxies that buffer (nginx) would hold the events back.
    "x-accel-buffering": "no",
  });
  response.flushHeaders();
  return response;
}

function drained(response: ServerResponse, { signal, stallMs }: EventStreamOptions): Promise<boolean> {
  return new Promise((resolve) => {
    const settle = (taken: boolean) => {
      clearTimeout(stalled);
      response.off("drain", onDrain);
      signal.removeEventListener("abort", onAbort);
      resolve(taken);
    };
    const onDrain = () => settle(true);
    const onAbort = () => settle(false);
    const stalled = setTimeout(() => settle(false), stallMs);
    response.once("drain", onDrain);
    signal.addEventListener("abort", onAbort);
    if (signal.aborted) settle(false);
  });
}

/** JSON has no line breaks of its own, so that one `data:` line always holds it. */
function encodeEvent({ event, id, data }: StreamEvent): string {
  return `event: ${event}\n${id === undefined ? "" : `id: ${id}\n`}data: ${JSON.stringify(data)}\n\n`;
}

/** Open event streams of this server: bounded, ended when the client goes, and all ended when the server stops. */
export interface OpenStreams {
  /** A signal for one more stream, or null when there are as many as may be. Released when the response closes. */
  open(response: ServerResponse): AbortSignal | null;
  /** The same for a stream that isn't HTTP: `release` when it is over. */
  enter(): { signal: AbortSignal; release: () => void } | null;
  /** Ends them all; the clients connect again elsewhere. */
  stop(): void;
  count(): number;
}

// Without a reason each end would cost an error with its stack.
const over = "over";

export function createOpenStreams(limit: number): OpenStreams {
  const open = new Set<AbortController>();
  let stopped = false;
  const enter = () => {
    if (open.size >= limit) return null;
    const controller = new AbortController();
    open.add(controller);
    if (stopped) controller.abort(over);
    const release = () => {
      open.delete(controller);
      controller.abort(over);
    };
    return { signal: controller.signal, release };
  };
  return {
    enter,
    open(response) {
      const stream = enter();
      if (stream !== null) response.once("close", stream.release);
      return stream?.signal ?? null;
    },
    stop() {
      stopped = true;
      for (const controller of open) controller.abort(over);
    },
    count: () => open.size,
  };
}
