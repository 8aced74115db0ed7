import type { UntypedHandleCall } from "@grpc/grpc-js";
import type { CommandServiceHandlers } from "@fleetwire/proto";
import { parseTraceparent, type Logger } from "@fleetwire/service";
import type { StreamingDeps } from "../grpc-stream.ts";
import { createUnary } from "../grpc-unary.ts";
import { commandMessage, statusMessage } from "./command-message.ts";
import { shownOutputBytes } from "./command-view.ts";
import { cancelCommand, findCommandWithOutput } from "./find-command.ts";
import { listFromMessage, requestFromMessage } from "./grpc-request.ts";
import { createWatchHandler } from "./grpc-watch.ts";
import { queueCommand, type QueueingDeps } from "./queue-command.ts";

export interface CommandServiceDeps extends QueueingDeps, StreamingDeps {
  log: Logger;
}

/** `fleetwire.command.v1.CommandService`: the HTTP API's commands, the same rules and errors. */
export function createCommandServiceHandlers(deps: CommandServiceDeps): CommandServiceHandlers {
  const { store } = deps;

  const unary = createUnary(deps);
  const handlers: CommandServiceHandlers & Record<string, UntypedHandleCall> = {
    QueueCommand: unary("commands:write", async (request, principal, call) => {
      const trace = parseTraceparent(call.metadata.get("traceparent")[0]);
      const queued = await queueCommand(deps, principal, requestFromMessage(request), trace?.header ?? null);
      deps.log.info({ commandId: queued.commandId, agentId: request.agentId }, "command queued over gRPC");
      return { commandId: queued.commandId, status: statusMessage(queued.status) };
    }),
    GetCommand: unary("commands:read", async (request, principal) => {
      const found = await findCommandWithOutput(store, principal, request.commandId, shownOutputBytes);
      return { command: commandMessage(found.command, found.output) };
    }),
    ListCommands: unary("commands:read", async (request, principal) => {
      const page = await store.list(listFromMessage(request, principal.companyId));
      return {
        commands: page.items.map((command) => commandMessage(command, null)),
        nextCursor: page.nextCursor ?? "",
      };
    }),
    CancelCommand: unary("commands:write", async (request, principal) => {
      const { command } = await cancelCommand(deps, principal, request.commandId);
      deps.log.info({ commandId: command.commandId, agentId: command.agentId }, "command cancelled over gRPC");
      return { command: commandMessage(command, null) };
    }),
    WatchCommand: createWatchHandler(deps),
  };
  return handlers;
}
