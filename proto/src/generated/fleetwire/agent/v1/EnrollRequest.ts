// Generated from fleetwire/agent/v1/agent.proto by proto/generate.mjs. Do not edit.


export interface EnrollRequestInput {
  /**
   * 1 to 128 characters of [A-Za-z0-9._-], not starting with '-' or '.'.
   */
  'agentId'?: (string);
  'joinToken'?: (string);
  /**
   * Raw Ed25519 public key, 32 bytes.
   */
  'publicKey'?: (Buffer | Uint8Array | string);
  /**
   * Shown to operators; the agent's own words, at most 255 characters.
   */
  'hostname'?: (string);
}

export interface EnrollRequest {
  /**
   * 1 to 128 characters of [A-Za-z0-9._-], not starting with '-' or '.'.
   */
  'agentId': (string);
  'joinToken': (string);
  /**
   * Raw Ed25519 public key, 32 bytes.
   */
  'publicKey': (Buffer);
  /**
   * Shown to operators; the agent's own words, at most 255 characters.
   */
  'hostname': (string);
}
