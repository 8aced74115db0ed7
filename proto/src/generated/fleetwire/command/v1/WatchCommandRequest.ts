// Generated from fleetwire/command/v1/command.proto by proto/generate.mjs. Do not edit.

import type { Long } from '@grpc/proto-loader';

export interface WatchCommandRequestInput {
  'commandId'?: (string);
  /**
   * Also send output from `output_offset` on.
   */
  'output'?: (boolean);
  'outputOffset'?: (number | string | Long);
}

export interface WatchCommandRequest {
  'commandId': (string);
  /**
   * Also send output from `output_offset` on.
   */
  'output': (boolean);
  'outputOffset': (number);
}
