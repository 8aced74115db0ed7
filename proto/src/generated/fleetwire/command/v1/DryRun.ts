// Generated from fleetwire/command/v1/rollout.proto by proto/generate.mjs. Do not edit.


export interface DryRunInput {
  'targets'?: (number);
  'unable'?: (number);
  /**
   * The first 500, in the order in which they would be queued.
   */
  'agentIds'?: (string)[];
}

export interface DryRun {
  'targets': (number);
  'unable': (number);
  /**
   * The first 500, in the order in which they would be queued.
   */
  'agentIds': (string)[];
}
