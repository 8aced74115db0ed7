import type { RolloutServiceHandlers } from "@fleetwire/proto";
import {
  agentIdFromMessage,
  cursorFromMessage,
  invalid,
  limitFromMessage,
  statusesFromMessage,
  workFromMessage,
} from "../commands/grpc-request.ts";
import { findUnstorable } from "../commands/json-text.ts";
import type { ListRollouts, RolloutResultsQuery } from "../store/command-store.ts";
import { rolloutStatusOf } from "./rollout-message.ts";

type StartRequest = Parameters<RolloutServiceHandlers["StartRollout"]>[0]["request"];
type ListRequest = Parameters<RolloutServiceHandlers["ListRollouts"]>[0]["request"];
type ResultsRequest = Parameters<RolloutServiceHandlers["ListRolloutResults"]>[0]["request"];

const defaultOutputBytes = 4 * 1024;
const maxOutputBytes = 64 * 1024;
const maxTextLength = 1024;

/** A StartRolloutRequest in the words of the HTTP API. Throws `invalid_request`. */
export function startFromMessage(message: StartRequest): Record<string, unknown> {
  const { selector, maxConcurrency, maxErrors } = message;
  return {
    ...workFromMessage(message),
    ...(selector === null
      ? {}
      : {
          selector: {
            ...(selector.fleet === "" ? {} : { fleet: selector.fleet }),
            ...(Object.keys(selector.labels).length === 0 ? {} : { labels: { ...selector.labels } }),
            ...(selector.capabilities.length === 0 ? {} : { capabilities: selector.capabilities }),
            ...(selector.online ? { online: true } : {}),
          },
        }),
    ...(maxConcurrency === 0 ? {} : { maxConcurrency }),
    ...(maxErrors === undefined ? {} : { maxErrors }),
    ...pickOf(message.pick),
    ...(message.dryRun ? { dryRun: true } : {}),
  };
}

/** Not known: someone newer means something that isn't a command for everybody. */
function pickOf(pick: string | number): { pick?: "one" } {
  if (pick === "ROLLOUT_PICK_UNSPECIFIED") return {};
  return pick === "ROLLOUT_PICK_ONE" ? { pick: "one" } : invalid("pick is an unknown one.");
}

/** Null: none. Throws `invalid_request`. */
export function idempotencyKeyFromMessage(key: string): string | null {
  if (key.length > 255) invalid("idempotency_key is longer than 255.");
  if (findUnstorable(key, "", 1) !== null) invalid("idempotency_key holds characters that can't be stored.");
  return key === "" ? null : key;
}

/** A list query for the company. Throws `invalid_request`. */
export function listFromMessage(message: ListRequest, companyId: string): ListRollouts {
  const statuses = message.statuses.map((status) => rolloutStatusOf(status) ?? invalid("statuses has an unknown one."));
  return {
    companyId,
    ...(statuses.length === 0 ? {} : { statuses }),
    limit: limitFromMessage(message.limit),
    cursor: cursorFromMessage(message.cursor),
  };
}

/** A query for results. Throws `invalid_request`. */
export function resultsFromMessage(
  message: ResultsRequest,
  companyId: string,
): RolloutResultsQuery & { text?: string } {
  const { rolloutId, exitCode, text, outputBytes = defaultOutputBytes } = message;
  if (outputBytes > maxOutputBytes) invalid(`output_bytes is more than ${maxOutputBytes}.`);
  if (text.length > maxTextLength) invalid(`text is longer than ${maxTextLength}.`);
  const agentId = agentIdFromMessage(message.agentId);
  const statuses = statusesFromMessage(message.statuses);
  return {
    companyId,
    rolloutId,
    ...(statuses.length === 0 ? {} : { statuses }),
    ...(exitCode === undefined ? {} : { exitCode }),
    ...(agentId === null ? {} : { agentId }),
    ...(text === "" ? {} : { text }),
    outputBytes,
    limit: limitFromMessage(message.limit),
    cursor: cursorFromMessage(message.cursor),
  };
}
