import type { CommandServiceHandlers, WatchCommandResponseInput } from "@fleetwire/proto";
import { FleetwireError, httpErrors, type Principal } from "@fleetwire/service";
import { createStreamHandler, type StreamingDeps } from "../grpc-stream.ts";
import type { CommandStore, OutputStream } from "../store/command-store.ts";
import { isTerminal } from "./command.ts";
import { commandMessage } from "./command-message.ts";
import { shownOutputBytes } from "./command-view.ts";
import { outputOf } from "./find-command.ts";
import { followCommand, type FollowEvent } from "./follow.ts";
import type { WholeOutput } from "./output.ts";

type WatchCall = Parameters<CommandServiceHandlers["WatchCommand"]>[0];

const streams = {
  stdout: "OUTPUT_STREAM_STDOUT",
  stderr: "OUTPUT_STREAM_STDERR",
} as const satisfies Record<OutputStream, string>;

/** WatchCommand: the same following as the event stream over HTTP. */
export function createWatchHandler(
  deps: StreamingDeps & { store: CommandStore },
): CommandServiceHandlers["WatchCommand"] {
  return createStreamHandler(deps, "commands:read", (request: WatchCall["request"], principal, signal) =>
    messages(deps.store, request, principal, signal),
  );
}

async function* messages(
  store: CommandStore,
  { commandId, ...request }: WatchCall["request"],
  { companyId }: Principal,
  signal: AbortSignal,
): AsyncGenerator<WatchCommandResponseInput> {
  const output = request.output ? { from: offsetOf(request.outputOffset), attempt: null } : null;
  for await (const event of followCommand(store, { companyId, commandId, output, signal })) {
    // The terminal state is told once, as the last message, after all output.
    if (event.kind === "state" && isTerminal(event.command.status)) continue;
    const whole =
      event.kind === "end" && output === null ? await outputOf(store, event.command, shownOutputBytes) : null;
    yield toMessage(event, whole);
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
