// Generated from fleetwire/agent/v1/agent.proto by proto/generate.mjs. Do not edit.

import type { RefusalReasonInput as _fleetwire_agent_v1_RefusalReasonInput, RefusalReason as _fleetwire_agent_v1_RefusalReason } from '../../../fleetwire/agent/v1/RefusalReason.ts';
import type { Long } from '@grpc/proto-loader';

/**
 * The command was not started, and this assignment never will be.
 */
export interface RefusedInput {
  'commandId'?: (string);
  'assignNo'?: (number | string | Long);
  'attempt'?: (number);
  'reason'?: (_fleetwire_agent_v1_RefusalReasonInput);
  'recorded'?: (boolean);
}

/**
 * The command was not started, and this assignment never will be.
 */
export interface Refused {
  'commandId': (string);
  'assignNo': (number);
  'attempt': (number);
  'reason': (_fleetwire_agent_v1_RefusalReason);
  'recorded': (boolean);
}
