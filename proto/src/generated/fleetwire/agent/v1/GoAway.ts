// Generated from fleetwire/agent/v1/agent.proto by proto/generate.mjs. Do not edit.

import type { GoAwayReasonInput as _fleetwire_agent_v1_GoAwayReasonInput, GoAwayReason as _fleetwire_agent_v1_GoAwayReason } from '../../../fleetwire/agent/v1/GoAwayReason.ts';

export interface GoAwayInput {
  'reason'?: (_fleetwire_agent_v1_GoAwayReasonInput);
  /**
   * Connect again after this long; the server has already spread it with jitter.
   */
  'afterMs'?: (number);
  /**
   * False: the agent ends its connection for good and says why.
   */
  'reconnect'?: (boolean);
  'message'?: (string);
}

export interface GoAway {
  'reason': (_fleetwire_agent_v1_GoAwayReason);
  /**
   * Connect again after this long; the server has already spread it with jitter.
   */
  'afterMs': (number);
  /**
   * False: the agent ends its connection for good and says why.
   */
  'reconnect': (boolean);
  'message': (string);
}
