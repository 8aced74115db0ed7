// Generated from fleetwire/agent/v1/agent.proto by proto/generate.mjs. Do not edit.


export interface CommandTypeInput {
  /**
   * For example "SHELL"; [A-Z][A-Z0-9_]{0,63}.
   */
  'type'?: (string);
  /**
   * JSON Schema of its parameters; empty: any object.
   */
  'parametersSchemaJson'?: (string);
}

export interface CommandType {
  /**
   * For example "SHELL"; [A-Z][A-Z0-9_]{0,63}.
   */
  'type': (string);
  /**
   * JSON Schema of its parameters; empty: any object.
   */
  'parametersSchemaJson': (string);
}
