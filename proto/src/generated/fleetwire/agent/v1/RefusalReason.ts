// Generated from fleetwire/agent/v1/agent.proto by proto/generate.mjs. Do not edit.

export const RefusalReason = {
  REFUSAL_REASON_UNSPECIFIED: 'REFUSAL_REASON_UNSPECIFIED',
  /**
   * The start window was over.
   */
  REFUSAL_REASON_WINDOW_OVER: 'REFUSAL_REASON_WINDOW_OVER',
  /**
   * Stopping, or draining.
   */
  REFUSAL_REASON_DRAINING: 'REFUSAL_REASON_DRAINING',
  /**
   * No free slot.
   */
  REFUSAL_REASON_BUSY: 'REFUSAL_REASON_BUSY',
  /**
   * A Cancel came first.
   */
  REFUSAL_REASON_CANCELLED: 'REFUSAL_REASON_CANCELLED',
} as const;

export type RefusalReasonInput =
  | 'REFUSAL_REASON_UNSPECIFIED'
  | 0
  /**
   * The start window was over.
   */
  | 'REFUSAL_REASON_WINDOW_OVER'
  | 1
  /**
   * Stopping, or draining.
   */
  | 'REFUSAL_REASON_DRAINING'
  | 2
  /**
   * No free slot.
   */
  | 'REFUSAL_REASON_BUSY'
  | 3
  /**
   * A Cancel came first.
   */
  | 'REFUSAL_REASON_CANCELLED'
  | 4

export type RefusalReason = typeof RefusalReason[keyof typeof RefusalReason]
