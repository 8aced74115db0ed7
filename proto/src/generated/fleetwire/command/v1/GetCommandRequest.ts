// Generated from fleetwire/command/v1/command.proto by proto/generate.mjs. Do not edit.


export interface GetCommandRequestInput {
  'commandId'?: (string);
}

export interface GetCommandRequest {
  'commandId': (string);
}
