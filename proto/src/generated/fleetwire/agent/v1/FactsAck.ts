// Generated from fleetwire/agent/v1/agent.proto by proto/generate.mjs. Do not edit.


/**
 * The last Facts are stored. Without it the agent sends them again on its next stream, or when it next looks.
 */
export interface FactsAckInput {
}

/**
 * The last Facts are stored. Without it the agent sends them again on its next stream, or when it next looks.
 */
export interface FactsAck {
}
