import { defineErrors } from "@fleetwire/service";

/** What an agent's process may be told, as `fleetwire-code` in the metadata of the status. */
export const agentErrors = defineErrors({
  invalid_request: { kind: "invalid", message: "The request isn't valid." },
  join_token_invalid: { kind: "unauthenticated", message: "The join token isn't valid." },
  agent_id_taken: { kind: "conflict", message: "This agent id is bound to another key." },
  too_many_attempts: { kind: "too_many", message: "Too many failed enrolments from this address." },
  // One answer for an id that nobody has and for a signature by another key: it doesn't tell which ids exist.
  agent_unknown: { kind: "unauthenticated", message: "No agent with this id and key is enrolled." },
  // Said whatever the id, so it tells nothing about it.
  invalid_signature: { kind: "unauthenticated", message: "The signature isn't 64 bytes of Ed25519." },
  agent_revoked: { kind: "unauthenticated", message: "This agent's right to connect was revoked." },
  agent_id_in_use: { kind: "unprocessable", message: "Another copy of this agent is connected." },
  hello_timeout: { kind: "timeout", message: "No Hello came in time." },
  protocol_error: { kind: "invalid", message: "The agent broke the protocol." },
  overloaded: { kind: "unavailable", message: "Too many agents connect at once." },
  server_stopping: { kind: "unavailable", message: "The server is stopping." },
  superseded: { kind: "unprocessable", message: "A newer session of this agent took over." },
  session_lost: { kind: "unavailable", message: "The store has closed or forgotten this session: connect again." },
  heartbeat_timeout: { kind: "unavailable", message: "No heartbeat came in time." },
  answer_timeout: { kind: "unavailable", message: "An assignment wasn't answered in time." },
  send_queue_full: { kind: "too_many", message: "The agent reads too slowly." },
});
