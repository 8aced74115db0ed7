import type { ErrorSpec } from "@fleetwire/service";
import type { GoAwayInput } from "@fleetwire/proto";
import type { DisconnectReason, StaleSession } from "../store/command-store.ts";
import { agentErrors } from "./agent-errors.ts";

interface SessionEnding {
  /** Status of the stream; null: OK. */
  error: ErrorSpec | null;
  /** Said before it; without one the agent connects again as after any end. */
  goAway: Required<Pick<GoAwayInput, "reason" | "reconnect">> | null;
}

/** What the agent is told when its session ends for a reason. */
export const sessionEndings: Record<DisconnectReason, SessionEnding> = {
  agent_closed: { error: null, goAway: null },
  connection_lost: { error: null, goAway: null },
  heartbeat_timeout: { error: agentErrors.heartbeat_timeout, goAway: null },
  answer_timeout: { error: agentErrors.answer_timeout, goAway: null },
  superseded: {
    error: agentErrors.superseded,
    goAway: { reason: "GO_AWAY_REASON_SUPERSEDED", reconnect: false },
  },
  revoked: { error: agentErrors.agent_revoked, goAway: { reason: "GO_AWAY_REASON_REVOKED", reconnect: false } },
  protocol_error: {
    error: agentErrors.protocol_error,
    goAway: { reason: "GO_AWAY_REASON_PROTOCOL_ERROR", reconnect: true },
  },
  send_queue_full: { error: agentErrors.send_queue_full, goAway: null },
  // GoAway went out when the server began to stop.
  server_stopping: { error: agentErrors.server_stopping, goAway: null },
  server_lost: { error: agentErrors.server_stopping, goAway: null },
  session_lost: { error: agentErrors.session_lost, goAway: null },
};

/** What is recorded of a session that the store doesn't count as current. */
export const staleDetail: Record<StaleSession["why"], string> = {
  superseded: "the store counts a newer session as current",
  session_lost: "the store has closed or forgotten this session",
};
