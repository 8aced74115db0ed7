import type { handleServerStreamingCall, ServerWritableStream } from "@grpc/grpc-js";
import { FleetwireError, toGrpcStatus, type Principal, type TokenVerifier } from "@fleetwire/service";
import { http2StreamOf, resetStream } from "./agents/reset-stream.ts";
import { errors } from "./errors.ts";
import type { OpenStreams } from "./event-stream.ts";
import { authenticate } from "./grpc-authentication.ts";

export interface StreamingDeps {
  verifier: TokenVerifier;
  streams: OpenStreams;
  /** A reader that takes nothing for this long is disconnected. */
  stallMs: number;
}

/** What a stream sends to a caller, until the signal aborts: he is gone, or this server stops. */
type Source<Request, Message> = (request: Request, principal: Principal, signal: AbortSignal) => AsyncIterable<Message>;

/**
 * A handler of a call that is answered with a stream, for callers with this scope. One message is in flight at a time: a
 * slow reader holds nothing here but that one. There are as many streams as `streams` lets there be, HTTP's included.
 */
export function createStreamHandler<Request, Message>(
  deps: StreamingDeps,
  scope: string,
  source: Source<Request, Message>,
): handleServerStreamingCall<Request, Message> {
  return (call) => {
    send(deps, call, scope, source).then(
      () => call.end(),
      (error: unknown) => {
        call.emit("error", toGrpcStatus(error));
        // The status waits behind what the reader doesn't take.
        const http2 = isStall(error) ? http2StreamOf(call) : null;
        if (http2 !== null) resetStream(http2);
      },
    );
  };
}

function isStall(error: unknown): boolean {
  return error instanceof FleetwireError && error.code === errors.reader_stalled.code;
}

async function send<Request, Message>(
  deps: StreamingDeps,
  call: ServerWritableStream<Request, Message>,
  scope: string,
  source: Source<Request, Message>,
): Promise<void> {
  const principal = await authenticate(deps.verifier, call.metadata, scope);
  const stream = deps.streams.enter();
  if (stream === null) throw new FleetwireError(errors.too_many_streams, undefined, { retryAfterMs: 5_000 });
  call.once("cancelled", stream.release);
  call.once("close", stream.release);
  if (call.cancelled) stream.release();
  const { signal } = stream;
  try {
    for await (const message of source(call.request, principal, signal)) {
      await write(call, message, signal, deps.stallMs);
    }
    if (signal.aborted && !call.cancelled) throw new FleetwireError(errors.server_stopping);
  } finally {
    stream.release();
  }
}

/**
 * Resolves when the message is with the connection, which holds it back while the reader takes nothing.
 * Rejects with `reader_stalled` after `stallMs` of that; resolves early when the signal aborts.
 */
function write<Message>(
  call: ServerWritableStream<unknown, Message>,
  message: Message,
  signal: AbortSignal,
  stallMs: number,
): Promise<void> {
  if (signal.aborted) return Promise.resolve();
  return new Promise((resolve, reject) => {
    const settle = (end: () => void) => {
      clearTimeout(stalled);
      signal.removeEventListener("abort", onAbort);
      end();
    };
    const onAbort = () => settle(resolve);
    const stalled = setTimeout(() => settle(() => reject(new FleetwireError(errors.reader_stalled))), stallMs);
    signal.addEventListener("abort", onAbort);
    call.write(message, () => settle(resolve));
  });
}
