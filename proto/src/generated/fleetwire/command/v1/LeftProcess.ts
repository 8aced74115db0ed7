// Generated from fleetwire/command/v1/command.proto by proto/generate.mjs. Do not edit.


export interface LeftProcessInput {
  'pid'?: (number);
  /**
   * Program and arguments, cut.
   */
  'command'?: (string);
}

export interface LeftProcess {
  'pid': (number);
  /**
   * Program and arguments, cut.
   */
  'command': (string);
}
