// Generated from fleetwire/command/v1/rollout.proto by proto/generate.mjs. Do not edit.


export interface StopRolloutRequestInput {
  'rolloutId'?: (string);
  /**
   * Ask the agents to end what they run of it. Also works on a rollout that has ended while some still run.
   */
  'cancelRunning'?: (boolean);
}

export interface StopRolloutRequest {
  'rolloutId': (string);
  /**
   * Ask the agents to end what they run of it. Also works on a rollout that has ended while some still run.
   */
  'cancelRunning': (boolean);
}
