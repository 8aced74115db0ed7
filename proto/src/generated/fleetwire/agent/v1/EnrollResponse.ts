// Generated from fleetwire/agent/v1/agent.proto by proto/generate.mjs. Do not edit.


export interface EnrollResponseInput {
  'agentId'?: (string);
  /**
   * The company that the join token belongs to; the agent belongs to it from now on.
   */
  'companyId'?: (string);
  /**
   * The fleet that the join token puts the agent in; empty where it says none.
   */
  'fleet'?: (string);
}

export interface EnrollResponse {
  'agentId': (string);
  /**
   * The company that the join token belongs to; the agent belongs to it from now on.
   */
  'companyId': (string);
  /**
   * The fleet that the join token puts the agent in; empty where it says none.
   */
  'fleet': (string);
}
