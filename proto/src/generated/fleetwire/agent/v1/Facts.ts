// Generated from fleetwire/agent/v1/agent.proto by proto/generate.mjs. Do not edit.


/**
 * What the agent knows about its machine: sent by itself, when it changed since the server has last acknowledged it.
 */
export interface FactsInput {
  /**
   * A JSON object of at most 256 KiB and 32 levels; one that isn't is acknowledged and left out.
   */
  'json'?: (string);
}

/**
 * What the agent knows about its machine: sent by itself, when it changed since the server has last acknowledged it.
 */
export interface Facts {
  /**
   * A JSON object of at most 256 KiB and 32 levels; one that isn't is acknowledged and left out.
   */
  'json': (string);
}
