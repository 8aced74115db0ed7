// Generated from fleetwire/command/v1/command.proto by proto/generate.mjs. Do not edit.


export interface CancelCommandRequestInput {
  'commandId'?: (string);
}

export interface CancelCommandRequest {
  'commandId': (string);
}
