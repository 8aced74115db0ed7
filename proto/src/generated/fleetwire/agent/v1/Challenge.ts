// Generated from fleetwire/agent/v1/agent.proto by proto/generate.mjs. Do not edit.


export interface ChallengeInput {
  /**
   * 32 random bytes, good for this stream alone.
   */
  'nonce'?: (Buffer | Uint8Array | string);
}

export interface Challenge {
  /**
   * 32 random bytes, good for this stream alone.
   */
  'nonce': (Buffer);
}
