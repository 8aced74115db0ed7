import type { UntypedHandleCall } from "@grpc/grpc-js";
import {
  RolloutService,
  type RolloutServiceHandlers,
  type StartRolloutResponseInput,
  type WatchRolloutResponseInput,
} from "@fleetwire/proto";
import { parseTraceparent } from "@fleetwire/service";
import { isTerminal } from "../commands/command.ts";
import { commandMessage, statusMessage } from "../commands/command-message.ts";
import { fittingPage } from "../grpc-page.ts";
import { createStreamHandler, type StreamingDeps } from "../grpc-stream.ts";
import { createUnary } from "../grpc-unary.ts";
import type { RolloutResult } from "../store/command-store.ts";
import { findRollout, stopRollout } from "./find-rollout.ts";
import { followRollout } from "./follow-rollout.ts";
import { idempotencyKeyFromMessage, listFromMessage, resultsFromMessage, startFromMessage } from "./grpc-request.ts";
import { requestCommands, type AcceptedRollout, type CommandsAnswer, type RolloutDeps } from "./request-commands.ts";
import { findResults } from "./results.ts";
import { retryRollout } from "./retry.ts";
import type { RolloutLooks } from "./rollout-looks.ts";
import { progressMessage, rolloutMessage, rolloutStatusMessage } from "./rollout-message.ts";
import type { RolloutMetrics } from "./rollout-metrics.ts";
import { isSettled } from "./rollout.ts";

export interface RolloutServiceDeps extends StreamingDeps {
  rollouts: RolloutDeps;
  metrics: RolloutMetrics;
  looks: RolloutLooks;
}

const { ListRollouts, ListRolloutResults } = RolloutService.service;

/** `fleetwire.command.v1.RolloutService`: the HTTP API's rollouts, the same rules and errors. */
export function createRolloutServiceHandlers(deps: RolloutServiceDeps): RolloutServiceHandlers {
  const { rollouts, metrics } = deps;
  const { store, log } = rollouts;
  const unary = createUnary({ verifier: deps.verifier, log });

  const handlers: RolloutServiceHandlers & Record<string, UntypedHandleCall> = {
    StartRollout: unary("commands:write", async (request, principal, call) => {
      const trace = parseTraceparent(call.metadata.get("traceparent")[0]);
      const answer = await requestCommands(rollouts, principal, startFromMessage(request), trace?.header ?? null);
      return startedMessage(answer);
    }),
    GetRollout: unary("commands:read", async (request, principal) => {
      return { rollout: rolloutMessage(await findRollout(store, principal, request.rolloutId)) };
    }),
    ListRollouts: unary("commands:read", (request, principal) => {
      const query = listFromMessage(request, principal.companyId);
      const read = async (limit: number) => {
        const page = await store.listRollouts({ ...query, limit });
        return { rollouts: page.items.map(rolloutMessage), nextCursor: page.nextCursor ?? "" };
      };
      return fittingPage(query.limit, read, ListRollouts.responseSerialize);
    }),
    StopRollout: unary("commands:write", async ({ rolloutId, cancelRunning }, principal) => {
      const { rollout } = await stopRollout({ store, metrics, log }, principal, rolloutId, cancelRunning);
      return { rollout: rolloutMessage(rollout) };
    }),
    RetryRollout: unary("commands:write", async ({ rolloutId, ...request }, principal, call) => {
      const idempotencyKey = idempotencyKeyFromMessage(request.idempotencyKey);
      const trace = parseTraceparent(call.metadata.get("traceparent")[0]);
      const accepted = await retryRollout(rollouts, principal, rolloutId, {
        ...(idempotencyKey === null ? {} : { idempotencyKey }),
        traceparent: trace?.header ?? null,
      });
      return { started: acceptedMessage(accepted) };
    }),
    WatchRollout: createStreamHandler(deps, "commands:read", ({ rolloutId }, { companyId }, signal) =>
      progressMessages(deps.looks, { companyId, rolloutId, signal }),
    ),
    ListRolloutResults: unary("commands:read", async (request, principal) => {
      const query = resultsFromMessage(request, principal.companyId);
      await findRollout(store, principal, request.rolloutId);
      const read = async (limit: number) => {
        const page = await findResults(store, { ...query, limit });
        return { results: page.items.map(resultMessage), nextCursor: page.nextCursor ?? "" };
      };
      return fittingPage(query.limit, read, ListRolloutResults.responseSerialize);
    }),
  };
  return handlers;
}

function startedMessage(answer: CommandsAnswer): StartRolloutResponseInput {
  switch (answer.kind) {
    case "rollout":
      return { started: acceptedMessage(answer) };
    case "command":
      return { picked: { commandId: answer.commandId, status: statusMessage(answer.status), agentId: answer.agentId } };
    case "dry_run":
      return { dryRun: { targets: answer.targets, unable: answer.unable, agentIds: answer.agents } };
  }
}

function acceptedMessage({ rolloutId, status, targets, unable }: AcceptedRollout) {
  return { rolloutId, status: rolloutStatusMessage(status), targets, unable };
}

async function* progressMessages(
  looks: RolloutLooks,
  options: Parameters<typeof followRollout>[1],
): AsyncGenerator<WatchRolloutResponseInput> {
  for await (const event of followRollout(looks, options)) {
    // The last state is told once.
    if (event.kind === "progress" && isSettled(event.rollout)) continue;
    yield progressMessage(event);
  }
}

function resultMessage({ command, output }: RolloutResult) {
  return { command: commandMessage(command, null), ...(isTerminal(command.status) ? { output } : {}) };
}
