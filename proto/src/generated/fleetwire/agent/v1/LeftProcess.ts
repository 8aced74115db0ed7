// Generated from fleetwire/agent/v1/agent.proto by proto/generate.mjs. Do not edit.


export interface LeftProcessInput {
  'pid'?: (number);
  /**
   * Program and arguments, at most 200 characters.
   */
  'command'?: (string);
}

export interface LeftProcess {
  'pid': (number);
  /**
   * Program and arguments, at most 200 characters.
   */
  'command': (string);
}
