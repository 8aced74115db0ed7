import type { CommandServiceHandlers, WatchCommandResponseInput } from "@fleetwire/proto";
import { FleetwireError, toGrpcStatus } from "@fleetwire/service";
import { errors } from "../errors.ts";
import { authenticate } from "../grpc-authentication.ts";
import type { OutputStream } from "../store/command-store.ts";
import { commandMessage } from "./command-message.ts";
import { shownOutputBytes } from "./command-view.ts";
import { findCommand, findCommandWithOutput } from "./find-command.ts";
import { followCommand, type FollowEvent } from "./follow.ts";
import type { CommandServiceDeps } from "./grpc-service.ts";

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
      (error: unknown) => call.emit("error", toGrpcStatus(error)),
    );
  };
}

async function watch(deps: CommandServiceDeps, call: WatchCall): Promise<void> {
  const { store } = deps;
  const principal = await authenticate(deps.verifier, call.metadata, "commands:read");
  const { commandId } = await findCommand(store, principal, call.request.commandId);
  const stream = deps.streams.enter();
  if (stream === null) throw new FleetwireError(errors.too_many_streams, undefined, { retryAfterMs: 5_000 });
  call.once("cancelled", stream.release);
  call.once("close", stream.release);
  if (call.cancelled) stream.release();
  const { signal } = stream;
  const output = call.request.output ? { from: call.request.outputOffset, attempt: null } : null;
  try {
    for await (const event of followCommand(store, { companyId: principal.companyId, commandId, output, signal })) {
      if (event.kind === "end" && output === null) {
        const ended = await findCommandWithOutput(store, principal, commandId, shownOutputBytes);
        await write(call, { command: commandMessage(ended.command, ended.output) }, signal, deps.stallMs);
        return;
      }
      await write(call, toMessage(event), signal, deps.stallMs);
    }
    if (signal.aborted && !call.cancelled) throw new FleetwireError(errors.server_stopping);
  } finally {
    stream.release();
  }
}

function toMessage(event: FollowEvent): WatchCommandResponseInput {
  switch (event.kind) {
    case "state":
    case "end":
      return { command: commandMessage(event.command, null) };
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
