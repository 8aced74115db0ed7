// Generated from fleetwire/agent/v1/agent.proto by proto/generate.mjs. Do not edit.

import type { HeldStateInput as _fleetwire_agent_v1_HeldStateInput, HeldState as _fleetwire_agent_v1_HeldState } from '../../../fleetwire/agent/v1/HeldState.ts';
import type { Long } from '@grpc/proto-loader';

export interface HeldInput {
  'commandId'?: (string);
  'assignNo'?: (number | string | Long);
  'attempt'?: (number);
  'state'?: (_fleetwire_agent_v1_HeldStateInput);
}

export interface Held {
  'commandId': (string);
  'assignNo': (number);
  'attempt': (number);
  'state': (_fleetwire_agent_v1_HeldState);
}
