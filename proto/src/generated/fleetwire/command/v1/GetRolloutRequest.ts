// Generated from fleetwire/command/v1/rollout.proto by proto/generate.mjs. Do not edit.


export interface GetRolloutRequestInput {
  'rolloutId'?: (string);
}

export interface GetRolloutRequest {
  'rolloutId': (string);
}
