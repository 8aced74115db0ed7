// Generated from fleetwire/command/v1/rollout.proto by proto/generate.mjs. Do not edit.


export interface WatchRolloutRequestInput {
  'rolloutId'?: (string);
}

export interface WatchRolloutRequest {
  'rolloutId': (string);
}
