// Generated from fleetwire/command/v1/rollout.proto by proto/generate.mjs. Do not edit.

export const RolloutPick = {
  /**
   * A command for each selected agent.
   */
  ROLLOUT_PICK_UNSPECIFIED: 'ROLLOUT_PICK_UNSPECIFIED',
  /**
   * One command and no rollout, for the least loaded of them that is online, can and isn't draining.
   */
  ROLLOUT_PICK_ONE: 'ROLLOUT_PICK_ONE',
} as const;

export type RolloutPickInput =
  /**
   * A command for each selected agent.
   */
  | 'ROLLOUT_PICK_UNSPECIFIED'
  | 0
  /**
   * One command and no rollout, for the least loaded of them that is online, can and isn't draining.
   */
  | 'ROLLOUT_PICK_ONE'
  | 1

export type RolloutPick = typeof RolloutPick[keyof typeof RolloutPick]
