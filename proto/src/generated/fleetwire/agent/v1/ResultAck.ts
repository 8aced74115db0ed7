// Generated from fleetwire/agent/v1/agent.proto by proto/generate.mjs. Do not edit.

import type { Long } from '@grpc/proto-loader';

export interface ResultAckInput {
  'commandId'?: (string);
  'attempt'?: (number);
  /**
   * The ledger may forget the command.
   */
  'assignNo'?: (number | string | Long);
}

export interface ResultAck {
  'commandId': (string);
  'attempt': (number);
  /**
   * The ledger may forget the command.
   */
  'assignNo': (number);
}
