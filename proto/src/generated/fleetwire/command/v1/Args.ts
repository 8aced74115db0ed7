// Generated from fleetwire/command/v1/command.proto by proto/generate.mjs. Do not edit.


export interface ArgsInput {
  'values'?: (string)[];
}

export interface Args {
  'values': (string)[];
}
