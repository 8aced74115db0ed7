// Generated from fleetwire/agent/v1/agent.proto by proto/generate.mjs. Do not edit.

import type { ChallengeInput as _fleetwire_agent_v1_ChallengeInput, Challenge as _fleetwire_agent_v1_Challenge } from '../../../fleetwire/agent/v1/Challenge.ts';
import type { WelcomeInput as _fleetwire_agent_v1_WelcomeInput, Welcome as _fleetwire_agent_v1_Welcome } from '../../../fleetwire/agent/v1/Welcome.ts';
import type { AssignInput as _fleetwire_agent_v1_AssignInput, Assign as _fleetwire_agent_v1_Assign } from '../../../fleetwire/agent/v1/Assign.ts';
import type { CancelInput as _fleetwire_agent_v1_CancelInput, Cancel as _fleetwire_agent_v1_Cancel } from '../../../fleetwire/agent/v1/Cancel.ts';
import type { ResultAckInput as _fleetwire_agent_v1_ResultAckInput, ResultAck as _fleetwire_agent_v1_ResultAck } from '../../../fleetwire/agent/v1/ResultAck.ts';
import type { OutputAckInput as _fleetwire_agent_v1_OutputAckInput, OutputAck as _fleetwire_agent_v1_OutputAck } from '../../../fleetwire/agent/v1/OutputAck.ts';
import type { HeartbeatAckInput as _fleetwire_agent_v1_HeartbeatAckInput, HeartbeatAck as _fleetwire_agent_v1_HeartbeatAck } from '../../../fleetwire/agent/v1/HeartbeatAck.ts';
import type { GoAwayInput as _fleetwire_agent_v1_GoAwayInput, GoAway as _fleetwire_agent_v1_GoAway } from '../../../fleetwire/agent/v1/GoAway.ts';
import type { FactsAckInput as _fleetwire_agent_v1_FactsAckInput, FactsAck as _fleetwire_agent_v1_FactsAck } from '../../../fleetwire/agent/v1/FactsAck.ts';

/**
 * Server to agent.
 */
export interface ServerMessageInput {
  'challenge'?: (_fleetwire_agent_v1_ChallengeInput | null);
  'welcome'?: (_fleetwire_agent_v1_WelcomeInput | null);
  'assign'?: (_fleetwire_agent_v1_AssignInput | null);
  'cancel'?: (_fleetwire_agent_v1_CancelInput | null);
  'resultAck'?: (_fleetwire_agent_v1_ResultAckInput | null);
  'outputAck'?: (_fleetwire_agent_v1_OutputAckInput | null);
  'heartbeatAck'?: (_fleetwire_agent_v1_HeartbeatAckInput | null);
  'goAway'?: (_fleetwire_agent_v1_GoAwayInput | null);
  'factsAck'?: (_fleetwire_agent_v1_FactsAckInput | null);
  'body'?: "challenge"|"welcome"|"assign"|"cancel"|"resultAck"|"outputAck"|"heartbeatAck"|"goAway"|"factsAck";
}

/**
 * Server to agent.
 */
export interface ServerMessage {
  'challenge'?: (_fleetwire_agent_v1_Challenge | null);
  'welcome'?: (_fleetwire_agent_v1_Welcome | null);
  'assign'?: (_fleetwire_agent_v1_Assign | null);
  'cancel'?: (_fleetwire_agent_v1_Cancel | null);
  'resultAck'?: (_fleetwire_agent_v1_ResultAck | null);
  'outputAck'?: (_fleetwire_agent_v1_OutputAck | null);
  'heartbeatAck'?: (_fleetwire_agent_v1_HeartbeatAck | null);
  'goAway'?: (_fleetwire_agent_v1_GoAway | null);
  'factsAck'?: (_fleetwire_agent_v1_FactsAck | null);
  'body'?: "challenge"|"welcome"|"assign"|"cancel"|"resultAck"|"outputAck"|"heartbeatAck"|"goAway"|"factsAck";
}
