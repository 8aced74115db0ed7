// Generated from fleetwire/agent/v1/agent.proto by proto/generate.mjs. Do not edit.

import type { Long } from '@grpc/proto-loader';

export interface HeartbeatAckInput {
  'sequence'?: (number | string | Long);
}

export interface HeartbeatAck {
  'sequence': (number);
}
