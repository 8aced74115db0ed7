// Generated from fleetwire/agent/v1/agent.proto by proto/generate.mjs. Do not edit.

import type { Long } from '@grpc/proto-loader';

export interface CancelInput {
  'commandId'?: (string);
  'assignNo'?: (number | string | Long);
  'epoch'?: (number | string | Long);
  'attempt'?: (number);
}

export interface Cancel {
  'commandId': (string);
  'assignNo': (number);
  'epoch': (number);
  'attempt': (number);
}
