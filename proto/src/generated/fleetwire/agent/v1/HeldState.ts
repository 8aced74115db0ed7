// Generated from fleetwire/agent/v1/agent.proto by proto/generate.mjs. Do not edit.

export const HeldState = {
  HELD_STATE_UNSPECIFIED: 'HELD_STATE_UNSPECIFIED',
  /**
   * Accepted and running now.
   */
  HELD_STATE_RUNNING: 'HELD_STATE_RUNNING',
  /**
   * Ended; its Result follows Welcome on this stream.
   */
  HELD_STATE_DONE: 'HELD_STATE_DONE',
  /**
   * Refused for good: a late frame with this number starts nothing.
   */
  HELD_STATE_REFUSED: 'HELD_STATE_REFUSED',
} as const;

export type HeldStateInput =
  | 'HELD_STATE_UNSPECIFIED'
  | 0
  /**
   * Accepted and running now.
   */
  | 'HELD_STATE_RUNNING'
  | 1
  /**
   * Ended; its Result follows Welcome on this stream.
   */
  | 'HELD_STATE_DONE'
  | 2
  /**
   * Refused for good: a late frame with this number starts nothing.
   */
  | 'HELD_STATE_REFUSED'
  | 3

export type HeldState = typeof HeldState[keyof typeof HeldState]
