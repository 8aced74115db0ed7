// Generated from fleetwire/command/v1/rollout.proto by proto/generate.mjs. Do not edit.


/**
 * Agents for which all that is said holds; where nothing is said, every agent of the company.
 */
export interface AgentSelectorInput {
  'fleet'?: (string);
  /**
   * Each with exactly this value.
   */
  'labels'?: ({[key: string]: string});
  /**
   * Types of command that the agent announced, each of them.
   */
  'capabilities'?: (string)[];
  /**
   * Only agents that are connected. Else commands wait for the others until `expires_at`.
   */
  'online'?: (boolean);
}

/**
 * Agents for which all that is said holds; where nothing is said, every agent of the company.
 */
export interface AgentSelector {
  'fleet': (string);
  /**
   * Each with exactly this value.
   */
  'labels': ({[key: string]: string});
  /**
   * Types of command that the agent announced, each of them.
   */
  'capabilities': (string)[];
  /**
   * Only agents that are connected. Else commands wait for the others until `expires_at`.
   */
  'online': (boolean);
}
