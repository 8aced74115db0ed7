// Generated from fleetwire/agent/v1/agent.proto by proto/generate.mjs. Do not edit.

export const GoAwayReason = {
  GO_AWAY_REASON_UNSPECIFIED: 'GO_AWAY_REASON_UNSPECIFIED',
  GO_AWAY_REASON_SERVER_STOPPING: 'GO_AWAY_REASON_SERVER_STOPPING',
  /**
   * A newer session of the same agent and ledger took over.
   */
  GO_AWAY_REASON_SUPERSEDED: 'GO_AWAY_REASON_SUPERSEDED',
  GO_AWAY_REASON_REVOKED: 'GO_AWAY_REASON_REVOKED',
  /**
   * Too many agents at once.
   */
  GO_AWAY_REASON_OVERLOADED: 'GO_AWAY_REASON_OVERLOADED',
  /**
   * The agent broke the protocol; `message` says how.
   */
  GO_AWAY_REASON_PROTOCOL_ERROR: 'GO_AWAY_REASON_PROTOCOL_ERROR',
} as const;

export type GoAwayReasonInput =
  | 'GO_AWAY_REASON_UNSPECIFIED'
  | 0
  | 'GO_AWAY_REASON_SERVER_STOPPING'
  | 1
  /**
   * A newer session of the same agent and ledger took over.
   */
  | 'GO_AWAY_REASON_SUPERSEDED'
  | 2
  | 'GO_AWAY_REASON_REVOKED'
  | 3
  /**
   * Too many agents at once.
   */
  | 'GO_AWAY_REASON_OVERLOADED'
  | 4
  /**
   * The agent broke the protocol; `message` says how.
   */
  | 'GO_AWAY_REASON_PROTOCOL_ERROR'
  | 5

export type GoAwayReason = typeof GoAwayReason[keyof typeof GoAwayReason]
