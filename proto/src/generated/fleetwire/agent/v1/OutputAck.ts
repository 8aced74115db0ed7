// Generated from fleetwire/agent/v1/agent.proto by proto/generate.mjs. Do not edit.

import type { Long } from '@grpc/proto-loader';

export interface OutputAckInput {
  'commandId'?: (string);
  'attempt'?: (number);
  /**
   * Everything before this byte is stored.
   */
  'offset'?: (number | string | Long);
}

export interface OutputAck {
  'commandId': (string);
  'attempt': (number);
  /**
   * Everything before this byte is stored.
   */
  'offset': (number);
}
