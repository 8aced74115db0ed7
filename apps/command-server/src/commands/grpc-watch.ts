import type { CommandServiceHandlers, WatchCommandResponseInput } from "@fleetwire/proto";
import { FleetwireError, httpErrors, toGrpcStatus } from "@fleetwire/service";
import { errors } from "../errors.ts";
import { http2StreamOf, resetStream } from "../agents/reset-stream.ts";
import { authenticate } from "../grpc-authentication.ts";
import type { OutputStream } from "../store/command-store.ts";
import { isTerminal } from "./command.ts";
import { commandMessage } from "./command-message.ts";
import { shownOutputBytes } from "./command-view.ts";
import { outputOf } from "./find-command.ts";
import { followCommand, type FollowEvent } from "./follow.ts";
import type { CommandServiceDeps } from "./grpc-service.ts";
import type { WholeOutput } from "./output.ts";

type WatchCall = Parameters<CommandServiceHandlers["WatchCommand"]>[0];

const streams = {
  stdout: "OUTPUT_STREAM_STDOUT",
  stderr: "OUTPUT_STREAM_STDERR",
} as const satisfies Record<OutputStream, string>;

/** WatchCommand: the same following as the event stream over HTTP; a slow reader holds nothing here but one message. */
export function createWatchHandler(deps: CommandServiceDeps): (call: WatchCall) => void {
  return (call) => {
    watch(deps, call).then(
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

async function watch(deps: CommandServiceDeps, call: WatchCall): Promise<void> {
  const { store } = deps;
  const principal = await authenticate(deps.verifier, call.metadata, "commands:read");
  const { commandId } = call.request;
  const output = call.request.output ? { from: offsetOf(call.request.outputOffset), attempt: null } : null;
  const stream = deps.streams.enter();
  if (stream === null) throw new FleetwireError(errors.too_many_streams, undefined, { retryAfterMs: 5_000 });
  call.once("cancelled", stream.release);
  call.once("close", stream.release);
  if (call.cancelled) stream.release();
  const { signal } = stream;
  try {
    for await (const event of followCommand(store, { companyId: principal.companyId, commandId, output, signal })) {
      // The terminal state is told once, as the last message, after all output.
      if (event.kind === "state" && isTerminal(event.command.status)) continue;
      const whole =
        event.kind === "end" && output === null ? await outputOf(store, event.command, shownOutputBytes) : null;
      await write(call, toMessage(event, whole), signal, deps.stallMs);
    }
    if (signal.aborted && !call.cancelled) throw new FleetwireError(errors.server_stopping);
  } finally {
    stream.release();
  }
}

function offsetOf(offset: number): number {
  if (Number.isSafeInteger(offset)) return offset;
  throw new FleetwireError(httpErrors.invalid_request, "output_offset is out of range.");
}

function toMessage(event: FollowEvent, whole: WholeOutput | null): WatchCommandResponseInput {
  switch (event.kind) {
    case "state":
    case "end":
      return { command: commandMessage(event.command, whole) };
    case "output":
      return { output: { offset: event.piece.offset, stream: streams[event.piece.stream], data: event.piece.data } };
    case "gap":
      return { gap: { offset: event.offset, bytes: event.bytes } };
  }
}

/**
 * Resolves when the message is with the connection, which holds it back while the reader takes nothing.
 * Rejects with `reader_stalled` after `stallMs` of that; resolves early when the signal aborts.
 */
function write(
  call: WatchCall,
  message: WatchCommandResponseInput,
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
