import { defineErrors, type ErrorSpec } from "@fleetwire/service";
import { storeErrors } from "./store/errors.ts";

/** Every code that this service adds to those of any Fleetwire service. Clients act on codes: they never change meaning. */
export const errors = defineErrors({
  invalid_parameters: { kind: "unprocessable", message: "The parameters don't fit the command's type." },
  unknown_type: { kind: "unprocessable", message: "The agent doesn't offer commands of this type." },
  no_targets: { kind: "unprocessable", message: "No agent was selected that can do this." },
  too_many_targets: { kind: "unprocessable", message: "More agents were selected than one rollout may have." },
  no_agent_available: {
    kind: "unprocessable",
    message: "None of the selected agents is online, can do this and takes work.",
  },
  agent_unknown: { kind: "not_found", message: "There is no such agent." },
  command_unknown: { kind: "not_found", message: "There is no such command." },
  rollout_unknown: { kind: "not_found", message: "There is no such rollout." },
  join_token_unknown: { kind: "not_found", message: "There is no such join token." },
  idempotency_key_reused: {
    kind: "conflict",
    message: "This idempotency key was used before with another request.",
  },
  command_ended: { kind: "conflict", message: "The command has already ended." },
  rollout_running: { kind: "conflict", message: "The rollout is still running." },
  rollout_ended: { kind: "conflict", message: "The rollout has already ended." },
  reader_stalled: { kind: "timeout", message: "The reader took nothing for too long." },
  server_stopping: { kind: "unavailable", message: "This server is stopping: connect again." },
  too_many_streams: { kind: "too_many", message: "This server has as many open event streams as it may." },
});

/** All codes that this service may answer with beside those of any Fleetwire service, for OpenAPI. */
export const allErrors = { ...storeErrors, ...errors };

/** A sentence for an operation's description: what it may be refused with, beside what any operation may. */
export function refusals(...specs: readonly ErrorSpec[]): string {
  return `Refused with ${specs.map((spec) => `\`${spec.code}\``).join(", ")}.`;
}
