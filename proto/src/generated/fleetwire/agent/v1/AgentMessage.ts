// Generated from fleetwire/agent/v1/agent.proto by proto/generate.mjs. Do not edit.

import type { HelloInput as _fleetwire_agent_v1_HelloInput, Hello as _fleetwire_agent_v1_Hello } from '../../../fleetwire/agent/v1/Hello.ts';
import type { StartedInput as _fleetwire_agent_v1_StartedInput, Started as _fleetwire_agent_v1_Started } from '../../../fleetwire/agent/v1/Started.ts';
import type { RefusedInput as _fleetwire_agent_v1_RefusedInput, Refused as _fleetwire_agent_v1_Refused } from '../../../fleetwire/agent/v1/Refused.ts';
import type { OutputChunkInput as _fleetwire_agent_v1_OutputChunkInput, OutputChunk as _fleetwire_agent_v1_OutputChunk } from '../../../fleetwire/agent/v1/OutputChunk.ts';
import type { ResultInput as _fleetwire_agent_v1_ResultInput, Result as _fleetwire_agent_v1_Result } from '../../../fleetwire/agent/v1/Result.ts';
import type { HeartbeatInput as _fleetwire_agent_v1_HeartbeatInput, Heartbeat as _fleetwire_agent_v1_Heartbeat } from '../../../fleetwire/agent/v1/Heartbeat.ts';
import type { ProfileInput as _fleetwire_agent_v1_ProfileInput, Profile as _fleetwire_agent_v1_Profile } from '../../../fleetwire/agent/v1/Profile.ts';
import type { FactsInput as _fleetwire_agent_v1_FactsInput, Facts as _fleetwire_agent_v1_Facts } from '../../../fleetwire/agent/v1/Facts.ts';

/**
 * Agent to server.
 */
export interface AgentMessageInput {
  'hello'?: (_fleetwire_agent_v1_HelloInput | null);
  'started'?: (_fleetwire_agent_v1_StartedInput | null);
  'refused'?: (_fleetwire_agent_v1_RefusedInput | null);
  'output'?: (_fleetwire_agent_v1_OutputChunkInput | null);
  'result'?: (_fleetwire_agent_v1_ResultInput | null);
  'heartbeat'?: (_fleetwire_agent_v1_HeartbeatInput | null);
  /**
   * Labels, capabilities or concurrency changed while connected.
   */
  'profile'?: (_fleetwire_agent_v1_ProfileInput | null);
  /**
   * Only where Welcome.takes_facts.
   */
  'facts'?: (_fleetwire_agent_v1_FactsInput | null);
  'body'?: "hello"|"started"|"refused"|"output"|"result"|"heartbeat"|"profile"|"facts";
}

/**
 * Agent to server.
 */
export interface AgentMessage {
  'hello'?: (_fleetwire_agent_v1_Hello | null);
  'started'?: (_fleetwire_agent_v1_Started | null);
  'refused'?: (_fleetwire_agent_v1_Refused | null);
  'output'?: (_fleetwire_agent_v1_OutputChunk | null);
  'result'?: (_fleetwire_agent_v1_Result | null);
  'heartbeat'?: (_fleetwire_agent_v1_Heartbeat | null);
  /**
   * Labels, capabilities or concurrency changed while connected.
   */
  'profile'?: (_fleetwire_agent_v1_Profile | null);
  /**
   * Only where Welcome.takes_facts.
   */
  'facts'?: (_fleetwire_agent_v1_Facts | null);
  'body'?: "hello"|"started"|"refused"|"output"|"result"|"heartbeat"|"profile"|"facts";
}
