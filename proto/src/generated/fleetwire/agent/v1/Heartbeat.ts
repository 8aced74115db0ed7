// Generated from fleetwire/agent/v1/agent.proto by proto/generate.mjs. Do not edit.

import type { Long } from '@grpc/proto-loader';

export interface HeartbeatInput {
  'sequence'?: (number | string | Long);
  'running'?: (number);
  /**
   * One-minute load average; 0 where the platform has none.
   */
  'load1'?: (number | string);
  'freeMemoryBytes'?: (number | string | Long);
}

export interface Heartbeat {
  'sequence': (number);
  'running': (number);
  /**
   * One-minute load average; 0 where the platform has none.
   */
  'load1': (number);
  'freeMemoryBytes': (number);
}
